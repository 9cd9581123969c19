"""A figure of the headline table: what was measured, beside what, and whether it reached its goal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

HEADERS = ("part", "what", "beside", "figure", "goal", "in numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row.

    Attributes:
        what: What was measured, with its width or size.
        beside: What it is compared with, in the same run.
        value: Mostly a ratio, as the goal is.
        goal: What it should reach; None where it is told only.
        better: Whether more or less of it is better.
        unit: Stands behind the value: `x` for ratios.
        detail: What the ratio is made of, for people: `27,120 beside 28,400 tokens/s`.
        data: The same for programs, with every repeat.
    """

    what: str
    beside: str
    value: float
    goal: float | None = None
    better: Literal["more", "less"] = "more"
    unit: str = "x"
    detail: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "more" else self.value <= self.goal

    def cells(self) -> list[str]:
        """The row without its first cell.

        >>> Figure(what="64 threads", beside="generate", value=0.97, goal=0.95).cells()
        ['64 threads', 'generate', '0.97x', 'at least 0.95x: reached', '']
        """
        goal = ""
        if self.goal is not None:
            bound = "at least" if self.better == "more" else "at most"
            goal = f"{bound} {self.goal:g}{self.unit}: {'reached' if self.reached else 'missed'}"
        return [self.what, self.beside, f"{_rounded(self.value)}{self.unit}", goal, self.detail]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {**asdict(self), "data": dict(self.data), "reached": self.reached}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Figure:
        """The figure that `to_json` gave."""
        return cls(**{name: value for name, value in data.items() if name != "reached"})


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The table, for a terminal and for docs/benchmarks.md.

    >>> print(markdown([["forks", "64", "64 unrelated", "5.00x", "", ""]]))
    | part  | what | beside       | figure | goal | in numbers |
    | ----- | ---- | ------------ | ------ | ---- | ---------- |
    | forks | 64   | 64 unrelated | 5.00x  |      |            |
    """
    widths = [max(map(len, column)) for column in zip(HEADERS, *rows, strict=True)]
    lines = [HEADERS, ["-" * width for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def _rounded(value: float) -> str:
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:.2f}"
        if value < 1 or value >= 1.2
        else f"{value:.3f}"
    )
