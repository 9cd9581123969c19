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
    best = max(measured, key=_average)
    of = f"{counted(best.k, 'sample')} on each of {counted(best.problems, 'problem')}"
    if _average(best) == 0:
        samples = counted(sum(row.samples for row in measured), "sample")
        return f"None of {samples} is right, {of}{_within(best)}."
    share = f"{percent(_average(best))}{_within(best)}"
    if len(measured) == 1:
        return f"{share} of samples are right, {of}."
    first = [row for row in measured if _average(row) == _average(best)]
    who, have = f"{best.system.letter}, {best.system.name},", "has"
    if len(first) > 1:
        who, have = joined([row.system.letter for row in first]), "have"
    others = [row for row in measured if row not in first]
    return f"{who} {have} the most right: {share}, {of}.{_rest(best, others)}"


def _rest(best: SystemRow, others: Sequence[SystemRow]) -> str:
    """How the others compare, of which there may be none."""
    if not others:
        return ""
    values = [_average(row) for row in others]
    low, high = percent(min(values)), percent(max(values))
    who = "The others have" if len(others) > 1 else f"{others[0].system.letter} has"
    told = f" {who} {high if low == high else f'{low} to {high}'}"
    if best.difference is not None:
        return f"{told}; {best.system.letter} is {_above(best.difference)}."
    near = [row.system.letter for row in others if row.difference and not row.difference.apart]
    return f"{told}; for {joined(near)} chance could explain that." if near else f"{told}."


def _above(difference: Difference) -> str:
    share = difference.share
    told = f"{share.value * 100:.1f} points above {difference.to}"
    known = [] if share.low is None else [f"{points(share.low)} to {points(share.high or 0)}"]
    told += f" ({', '.join([*known, probability(difference.p)])})"
    return told if difference.apart else f"{told}, which chance could explain"


def _average(row: SystemRow) -> float:
    return row.average.value if row.average else 0.0


def _within(row: SystemRow) -> str:
    told = interval(row.average) if row.average else ""
    return f" (95 % interval {told})" if told else ""
