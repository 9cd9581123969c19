"""The threads that an answer came from, as a tree: for people as lines, for programs as JSON data. Pure.

    thread        tokens  cached  answer
    ✓ sample-0       212      64  70
    ✂ sample-1       512      64  7        it reached its token limit
    ✗ sample-2         0                   the server is gone
    · sample-3        80      64           the ones before were enough

Where threads were scored, as the steps of a tree search are, a column tells it.

It knows no terminal: lines are measured in characters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from .answer import Answer, Branch

MARKS = {"ok": "✓", "truncated": "✂", "failed": "✗", "cancelled": "·"}
"""What stands before what has ended so, such as a thread or a node."""

_HEAD = ("thread", "tokens", "cached", "score", "answer", "")
_SCORE = 3
_NUMBERS = ("tokens", "cached", "score")
_WIDEST_ANSWER = 40
_INDENT = "  "


def draw_threads(answer: Answer, *, most: int = 50, width: int = 120) -> str:
    """The tree as lines, one for each thread, in their order; empty where nothing forked.

    Args:
        answer: Its branches are the first level.
        most: The most threads that are shown, those further up first; the others are counted.
        width: Longer lines are cut.

    >>> print(draw_threads(Answer(text="", branches=(Branch(path="root/a", status="failed", reason="busy"),))))
    thread  tokens  cached  answer
    ✗ a                             busy
    """
    rows = list(_rows(answer.branches))
    if not rows:
        return ""
    # Siblings stay together, and what is deepest goes first.
    first = {id(row) for row in islice(sorted(rows, key=lambda row: row.depth), most)}
    table: list[Sequence[str]] = [_HEAD, *(row.cells for row in rows if id(row) in first)]
    if not any(row.branch.score is not None for row in rows):
        table = [(*cells[:_SCORE], *cells[_SCORE + 1 :]) for cells in table]
    lines = list(_aligned(table, width))
    hidden = len(rows) - most
    if hidden > 0:
        lines.append(f"… and {hidden:,} more thread{'s' if hidden > 1 else ''}")
    return "\n".join(lines)


def thread_data(answer: Answer) -> list[dict[str, Any]]:
    """The tree as JSON data; each thread has those that it came from."""
    return [_data(branch) for branch in answer.branches]


def _data(branch: Branch) -> dict[str, Any]:
    answer = branch.answer or Answer(text="")
    # No JSON number is infinite.
    score = {} if branch.score is None else {"score": _finite(branch.score)}
    return {
        "path": branch.path,
        "status": branch.status,
        "reason": _reason(branch),
        **score,
        "answer": answer.final if branch.answer else None,
        "usage": answer.usage.model_dump(),
        "critical_path": answer.critical_path,
        "parallel_ratio": round(answer.parallel_ratio, 3),
        "threads": thread_data(answer),
    }


@dataclass(frozen=True, slots=True)
class _Row:
    depth: int
    name: str
    branch: Branch

    @property
    def cells(self) -> Sequence[str]:
        name = f"{_INDENT * self.depth}{MARKS[self.branch.status]} {_line(self.name)}"
        answer, reason = self.branch.answer, _line(_reason(self.branch))
        known = _finite(self.branch.score)
        score = "" if known is None else f"{known:.3g}"
        if answer is None:
            return name, "", "", score, "", reason
        usage = answer.usage
        cached = "" if usage.cached_tokens is None else f"{usage.cached_tokens:,}"
        said = _line(answer.final)
        if len(said) > _WIDEST_ANSWER:
            said = f"{said[: _WIDEST_ANSWER - 1]}…"
        return name, f"{usage.generated_tokens:,}", cached, score, said, reason


def _rows(branches: Sequence[Branch], depth: int = 0) -> Iterator[_Row]:
    paths = [branch.path.split("/") for branch in branches]
    # Where all of them are is not told.
    places = zip(*(path[:-1] for path in paths), strict=False)
    common = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, places))
    for branch, path in zip(branches, paths, strict=True):
        yield _Row(depth, "/".join(path[common:]), branch)
        if branch.answer is not None:
            yield from _rows(branch.answer.branches, depth + 1)


def _reason(branch: Branch) -> str:
    """Why a thread is not ok, or else what its answer says of itself."""
    answer = branch.answer
    if branch.reason or answer is None:
        return branch.reason
    return "; ".join(filter(None, (answer.cut_by, answer.remark)))


def _finite(score: float | None) -> float | None:
    """A score that is known; minus infinity stands for one that is not."""
    return score if score is not None and math.isfinite(score) else None


def _aligned(table: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.rjust(size) if name in _NUMBERS else cell.ljust(size)
            for name, cell, size in zip(table[0], row, widths, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        yield line if len(line) <= width else f"{line[: width - 1]}…"


def _line(text: str) -> str:
    """The text as one line that no terminal obeys."""
    one = " ".join(text[: 4 * 120].split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one)
