"""What figures say, in a sentence or two for each task. Pure: it reads figures and computes none."""

from __future__ import annotations

from collections.abc import Sequence

from .system_row import Difference, SystemRow
from .words import counted, interval, joined, percent, points, probability


def finding(rows: Sequence[SystemRow]) -> str:
    """What the figures say of the systems on a task."""
    measured = [row for row in rows if row.average is not None]
    if not measured:
        return "There are no graded samples yet."
    best = max(measured, key=lambda row: row.share)
    of = f"{counted(best.k, 'sample')} on each of {counted(best.problems, 'problem')}"
    if best.share == 0:
        samples = counted(sum(row.samples for row in measured), "sample")
        return f"None of {samples} is right, {of}{_within(best)}."
    others = [row for row in measured if row is not best]
    if not others:
        return f"{_share(best)} of samples are right, {of}."
    near = [row for row in others if not (row.to_best and row.to_best.apart)]
    if not near:
        return _clear(best, others, of)
    if len(near) == len(others) and not any(
        row.difference and row.difference.apart for row in others
    ):
        return _open(measured, best, of)
    return _partly(best, [row for row in others if row not in near], near, of)


def _clear(best: SystemRow, others: Sequence[SystemRow], of: str) -> str:
    """One is above all others."""
    next_best = max(others, key=lambda row: row.share)
    assert next_best.to_best is not None
    than = " than every other" if len(others) > 1 else ""
    return (
        f"{_named(best)}, has more right{than}: {_share(best)}, {of}. {_letters(others)} {_have(others)} "
        f"{_range(others)}; {best.system.letter} is {_above(next_best.to_best, next_best.system.letter)}."
    )


def _open(rows: Sequence[SystemRow], best: SystemRow, of: str) -> str:
    """Chance could explain everything."""
    first = [row for row in rows if row.share == best.share]
    if len(first) == len(rows):
        return f"Nothing can be told apart: all have {_share(best)} right, {of}."
    who = f"{_named(best)}," if len(first) == 1 else _letters(first)
    return (
        f"Nothing can be told apart: {_range(rows)} of samples are right, {of}. {who} {_have(first)} the most: "
        f"{_share(best)}."
    )


def _partly(best: SystemRow, apart: Sequence[SystemRow], near: Sequence[SystemRow], of: str) -> str:
    """One has the most, and is above some others."""
    close = f"from {_letters(near)} ({_range(near)})"
    told = (
        f"can be told apart from {_letters(apart)} ({_range(apart)}), but not {close}"
        if apart
        else f"cannot be told apart {close}"
    )
    return f"{_named(best)}, has the most right: {_share(best)}, {of}. It {told}."


def _above(to_best: Difference, other: str) -> str:
    """How far the best is above another, told by that one's difference to it."""
    share = to_best.share
    known = [] if share.low is None else [f"{points(-(share.high or 0))} to {points(-share.low)}"]
    known.append(probability(to_best.p))
    return f"{-share.value * 100:.1f} points above {other} ({', '.join(known)})"


def _named(row: SystemRow) -> str:
    return f"{row.system.letter}, {row.system.name}"


def _letters(rows: Sequence[SystemRow]) -> str:
    return joined([row.system.letter for row in rows])


def _have(rows: Sequence[SystemRow]) -> str:
    return "have" if len(rows) > 1 else "has"


def _range(rows: Sequence[SystemRow]) -> str:
    """What they have, from the least to the most."""
    low, high = (percent(of(row.share for row in rows)) for of in (min, max))
    return low if low == high else f"{low} to {high}"


def _share(row: SystemRow) -> str:
    return f"{percent(row.share)}{_within(row)}"


def _within(row: SystemRow) -> str:
    told = interval(row.average) if row.average else ""
    return f" (95 % interval {told})" if told else ""
