"""Figures as people read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..estimates.estimate import Estimate

WARNINGS = {
    "missed": "the known answer stands in the text, and was not taken for its answer",
    "unread": "the grader makes no sense of what was taken for the answer",
    "cut": "a limit cut the text before an answer",
}
"""What warnings of graders mean, the ones that can hide a right answer first."""


def percent(share: float, unit: str = " %") -> str:
    """A share in per cent.

    >>> percent(0.4562), percent(0), percent(-0.0001)
    ('45.6 %', '0.0 %', '0.0 %')
    """
    return f"{round(share * 100, 1) + 0.0:.1f}{unit}"


def points(difference: float) -> str:
    """A difference of shares in points, with its sign.

    >>> points(0.125), points(-0.02), points(0)
    ('+12.5', '-2.0', '0.0')
    """
    rounded = round(difference * 100, 1) + 0.0
    return f"{rounded:+.1f}" if rounded else "0.0"


def interval(estimate: Estimate) -> str:
    """Its interval in per cent; empty without one.

    >>> interval(Estimate(value=0.5, low=0.25, high=0.75, how=""))
    '25.0 to 75.0'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{percent(estimate.low, '')} to {percent(estimate.high, '')}"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "sample"), counted(1200, "sample")
    ('1 sample', '1,200 samples')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def joined(parts: Sequence[str]) -> str:
    """Things one after another.

    >>> joined(["A"]), joined(["A", "B", "C"])
    ('A', 'A, B and C')
    """
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def probability(p: float) -> str:
    """A p value.

    >>> probability(0.034), probability(0.00002)
    ('p = 0.034', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def amount(number: float) -> str:
    """A mean amount, with as much of a fraction as says something.

    >>> amount(1234.5), amount(7), amount(0.456)
    ('1,234', '7.0', '0.46')
    """
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2g}"
