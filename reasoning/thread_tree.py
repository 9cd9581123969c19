"""The threads that an answer came from, as a tree: for people as lines, for programs as JSON data. Pure.

    thread        tokens  cached  answer
    ★ sample-0       212      64  70       chosen
    ✂ sample-1       512      64  7        it reached its token limit
    ✗ sample-2         0                   the server is gone
    · sample-3        80      64           the ones before were enough

    thread         Σ tokens  Σ cached  score  answer
    ○ step-1             76       128    0.9  so
      ★ step-1.0         24        64    0.8  70       chosen
      ✓ step-1.2         20        64    0.7  70
    · 3 others           84       192                  passed over, best 0.4

Siblings that ended alike without an answer are one row. Where there is not room for all, what was chosen goes first,
then what was scored and came to an answer, then what is further up.

It knows no terminal: lines are measured in characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from engines import Usage

from .answer import Answer, Branch

MARKS = {"ok": "✓", "truncated": "✂", "failed": "✗", "cancelled": "·"}
"""What stands before what has ended so, such as a thread or a node."""

_CHOSEN = "★"
_WENT_ON = "○"
"""Before a step that was taken and has no final answer, which is another thing than to have come to one."""

_Stands = frozenset[int]

_NUMBERS = range(1, 4)
_CACHED, _SCORE, _ANSWER = 2, 3, 4
# Where there is less room, reasons are worth more than what was cached.
_WIDE = 100
_WIDEST_ANSWER, _NARROWEST_ANSWER, _NARROWEST_REASON = 40, 12, 24
_WIDEST_NAME = 20
_INDENT = _GAP = "  "


def draw_threads(answer: Answer, *, most: int = 50, width: int = 120, rest: str = "") -> str:
    """The tree as lines, in the order of the threads; empty where nothing forked.

    Args:
        answer: Its branches are the first level.
        most: The most rows that are shown, unless what was chosen lies deeper; the other threads are counted.
        width: Longer lines are cut.
        rest: How to see those that are not shown, which is told where there are some.

    >>> print(draw_threads(Answer(text="", branches=(Branch(path="root/a", status="failed", reason="busy"),))))
    thread  tokens  cached  answer
    ✗ a                             busy
    """
    rows = list(_rows(answer.branches, None, _stands(answer)))
    if not rows:
        return ""
    shown = _most_telling(rows, most)
    lines = list(_aligned(_table([row for row in rows if row in shown], width), width))
    hidden = sum(row.count for row in rows if row not in shown)
    more = f"and {hidden:,} more thread{'s' if hidden > 1 else ''}" if hidden else ""
    how = rest if hidden or any(row.count > 1 for row in shown) else ""
    if more or how:
        lines.append(f"… {'; '.join(filter(None, (more, how)))}")
    return "\n".join(lines)


def thread_data(answer: Answer) -> list[dict[str, Any]]:
    """The tree as JSON data; each thread has those that it came from."""
    return _data(answer.branches, _stands(answer))


def _data(branches: Sequence[Branch], stands: _Stands) -> list[dict[str, Any]]:
    return [_thread_data(branch, stands) for branch in branches]


def _thread_data(branch: Branch, stands: _Stands) -> dict[str, Any]:
    answer = branch.answer or Answer(text="")
    # No JSON number is infinite.
    score = {} if branch.score is None else {"score": _finite(branch.score)}
    return {
        "path": branch.path,
        "status": branch.status,
        "reason": _reason(branch),
        "chosen": _is_chosen(branch, stands),
        **score,
        "answer": answer.final if branch.answer else None,
        "usage": answer.usage.model_dump(),
        "critical_path": answer.critical_path,
        "parallel_ratio": round(answer.parallel_ratio, 3),
        "threads": _data(answer.branches, stands | _stands(answer)),
    }


def _stands(answer: Answer) -> _Stands:
    """Where an answer stands. What it was chosen from stands there too: others stand in contexts of their own."""
    return frozenset() if answer.context is None else frozenset((id(answer.context),))


def _is_chosen(branch: Branch, stands: _Stands) -> bool:
    return branch.answer is not None and not stands.isdisjoint(_stands(branch.answer))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Row:
    """A thread; or siblings that ended alike; or what is of no thread, with a count of none."""

    parent: _Row | None
    depth: int
    mark: str
    name: str
    reason: str
    answer: Answer | None = None
    usage: Usage | None = None
    score: float | None = None
    count: int = 1

    @property
    def lineage(self) -> Iterator[_Row]:
        """This row and those that it is in."""
        row: _Row | None = self
        while row is not None:
            yield row
            row = row.parent

    @property
    def cells(self) -> Sequence[str]:
        # The end of a name tells more than its beginning.
        name = _line(self.name)
        name = name if len(name) <= _WIDEST_NAME else f"…{name[1 - _WIDEST_NAME :]}"
        known = _finite(self.score)
        usage = self.usage
        cached = None if usage is None else usage.cached_tokens
        said = "" if self.answer is None else _line(self.answer.final, " ↵ ")
        if self.answer is not None and self.mark != MARKS["failed"]:
            said = said or "(nothing)"
        return (
            f"{_INDENT * self.depth}{self.mark} {name}",
            "" if usage is None else f"{usage.generated_tokens:,}",
            "" if cached is None else f"{cached:,}",
            "" if known is None else f"{known:.3g}",
            _cut(said, _WIDEST_ANSWER),
            _line(self.reason),
        )


def _most_telling(rows: Sequence[_Row], most: int) -> Set[_Row]:
    """So many rows, each with those that it is in; the first of them in any case."""
    way = {row for chosen in rows if chosen.mark == _CHOSEN for row in chosen.lineage}

    def rank(row: _Row) -> tuple[bool, bool, float, int]:
        left = row.count > 1 and row.parent in {*way, None} and bool(way)
        answered = row.score is not None and row.answer is not None and row.answer.value is not None
        return row not in way, not left, -(row.score or 0) if answered else math.inf, row.depth

    shown: set[_Row] = set()
    # Siblings stay together, and what is deepest goes last.
    for row in sorted(rows, key=rank):
        more = shown.union(row.lineage)
        if not shown or len(more) <= most:
            shown = more
        if len(shown) >= most:
            break
    return shown


def _rows(branches: Sequence[Branch], parent: _Row | None, stands: _Stands) -> Iterator[_Row]:
    """Threads and those in them; below them their siblings that ended alike, in one row.

    Args:
        branches: The threads, in their order.
        parent: The row of what they are in; None at the top.
        stands: Where the answers stand that may have been chosen among them.
    """
    alike: dict[tuple[str, str], list[Branch]] = {}
    for branch in branches:
        if _left_behind(branch) and not _is_chosen(branch, stands):
            alike.setdefault((branch.status, _said(branch.reason, branch)), []).append(branch)
    groups = [group for group in alike.values() if len(group) > 1]
    folded = {id(branch) for group in groups for branch in group}
    for branch, name in zip(branches, _names(branches, parent), strict=True):
        if id(branch) not in folded:
            row = _thread_row(branch, name, parent, _is_chosen(branch, stands))
            yield row
            if branch.answer is not None and branch.answer.branches:
                yield from _rows(branch.answer.branches, row, stands | _stands(branch.answer))
    for group in groups:
        yield _folded(group, parent, len(group) < len(branches))
    if parent is not None and parent.score is None and (own := _own_usage(parent, branches)):
        reason = "such as scoring, summing up, closing or unfinished steps"
        yield _beneath(parent, " ", "the rest", reason=reason, usage=own, count=0)


def _left_behind(branch: Branch) -> bool:
    """Whether there is nothing to tell of it but why it came to no answer."""
    answer, ended = branch.answer, branch.status in ("cancelled", "failed")
    if answer is not None and (answer.value is not None or answer.branches):
        return False
    return ended or (branch.status == "truncated" and branch.score is not None)


def _beneath(parent: _Row | None, mark: str, name: str, **fields: Any) -> _Row:
    depth = 0 if parent is None else parent.depth + 1
    return _Row(parent=parent, depth=depth, mark=mark, name=name, **fields)


def _thread_row(branch: Branch, name: str, parent: _Row | None, chosen: bool) -> _Row:
    answer = branch.answer
    unanswered = branch.score is not None and (answer is None or answer.value is None)
    mark = _WENT_ON if unanswered and branch.status == "ok" else MARKS[branch.status]
    return _beneath(
        parent,
        _CHOSEN if chosen else mark,
        name,
        reason="; ".join(filter(None, ("chosen" * chosen, _said(_reason(branch), branch)))),
        answer=answer,
        usage=answer and answer.usage,
        score=branch.score,
    )


def _folded(group: Sequence[Branch], parent: _Row | None, others: bool) -> _Row:
    scores = [score for branch in group if (score := _finite(branch.score)) is not None]
    best = f"best {max(scores):.3g}" if scores else ""
    answers = [branch.answer for branch in group if branch.answer is not None]
    return _beneath(
        parent,
        MARKS[group[0].status],
        f"{len(group):,} others" if others else f"all {len(group):,}",
        reason=", ".join(filter(None, (_said(group[0].reason, group[0]), best))),
        usage=sum((answer.usage for answer in answers), Usage()) if answers else None,
        count=len(group),
    )


def _own_usage(row: _Row, branches: Sequence[Branch]) -> Usage | None:
    """What it took besides its threads, if it generated anything."""
    inside = sum((branch.answer.usage for branch in branches if branch.answer), Usage())
    usage = row.usage or Usage()
    generated = usage.generated_tokens - inside.generated_tokens
    if generated <= 0:
        return None
    known = usage.cached_tokens is not None and inside.cached_tokens is not None
    cached = (usage.cached_tokens or 0) - (inside.cached_tokens or 0) if known else None
    return Usage(
        prompt_tokens=usage.prompt_tokens - inside.prompt_tokens,
        cached_tokens=cached,
        generated_tokens=generated,
    )


def _names(branches: Sequence[Branch], parent: _Row | None) -> Iterator[str]:
    """What tells threads apart. One of the same kind as what it is in is numbered in that: `step-2`, `step-2.0`."""
    paths = [branch.path.split("/") for branch in branches]
    # Where all of them are is not told.
    places = zip(*(path[:-1] for path in paths), strict=False)
    common = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, places))
    for path in paths:
        name = "/".join(path[common:])
        kind, _, number = name.rpartition("-")
        inside = parent is not None and re.fullmatch(rf"{re.escape(kind)}-[\d.]+", parent.name)
        yield f"{parent.name}.{number}" if inside and parent and number.isdigit() else name


def _reason(branch: Branch) -> str:
    """Why a thread is not ok, or else what its answer says of itself."""
    answer = branch.answer
    if branch.reason or answer is None:
        return branch.reason
    return "; ".join(filter(None, (answer.cut_by, answer.remark)))


def _said(reason: str, branch: Branch) -> str:
    """A reason without the thread's own path, which stands beside it: so that those of siblings are alike."""
    return reason.replace(repr(branch.path), "it")


def _finite(score: float | None) -> float | None:
    """A score that is known; minus infinity stands for one that is not."""
    return score if score is not None and math.isfinite(score) else None


def _table(rows: Sequence[_Row], width: int) -> Sequence[Sequence[str]]:
    """A head and rows, with empty columns for what is not told."""
    # Numbers of a thread hold those of the threads in it, which of a step is not what one would think.
    sums = "Σ " if any(row.parent and row.parent.score is not None for row in rows) else ""
    head = ("thread", f"{sums}tokens", f"{sums}cached", "score", "answer", "")
    unused = {_CACHED} if width < _WIDE else set()
    if not any(row.score is not None for row in rows):
        unused.add(_SCORE)
    table = [head, *(row.cells for row in rows)]
    return [["" if i in unused else cell for i, cell in enumerate(cells)] for cells in table]


def _aligned(table: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    # Long answers leave room for reasons.
    room = width - sum(len(_GAP) + size for size in widths[:_ANSWER] if size) - len(_GAP)
    most = room - len(_GAP) - min(widths[-1], max(_NARROWEST_REASON, room // 2))
    most = max(_NARROWEST_ANSWER, most)
    widths[_ANSWER] = min(widths[_ANSWER], most)
    for row in table:
        cells = [
            cell.rjust(size) if column in _NUMBERS else _cut(cell, size).ljust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
            if size or column not in _NUMBERS
        ]
        yield _cut(_GAP.join(cells).rstrip(), width)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _line(text: str, newline: str = " ") -> str:
    """The text as one line that no terminal obeys."""
    lines = (" ".join(line.split()) for line in text[: 4 * 120].splitlines())
    one = newline.join(filter(None, lines))
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one)
