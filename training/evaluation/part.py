"""A part of the evaluation: what it is given, and the tables that it makes. It does not know who runs it.

    Part   async (engine, options) ─> tables ─> printed, and in OUT/evaluation.json

A part is a module of this folder, named after it, with a function `measure` of this shape. What one system makes of
problems is measured by `measuring.measured`, so that it can be gone on with, and told by `systems_table`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import CallLimiter, Engine
from evals import Estimate
from orchestrator.runs.text_table import TextTable

PLAIN, TRAINED = "plain", "trained"
MODELS = (PLAIN, TRAINED)
"""Models, as tables call them, in the order in which they are measured."""

CALLS = 1024
"""How many run at once where nobody says it: as many as vLLM takes on a large GPU."""

_WIDEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of every part.

    Attributes:
        out: The folder of the whole evaluation: a part keeps what it made under `out / PART`.
        problems: How many problems of each task; None is as many as the part is published with.
        samples: How many samples of each problem; None as `problems`.
        data: The folder of benchmark data, such as `gsm8k_test.jsonl`; None where there is none.
        seed: Of sampling, and of problems that are drawn.
        limiter: Lets only so many calls of all systems run at once.
        model: Which one the engine has: `trained` or `plain`.
        weights: Where that one is from, as its name or folder; None is the embedded one.
    """

    out: Path
    problems: int | None = None
    samples: int | None = None
    data: Path | None = None
    seed: int = 0
    limiter: CallLimiter = field(default_factory=lambda: CallLimiter(CALLS), compare=False)
    model: str = TRAINED
    weights: str | None = None

    @property
    def concurrency(self) -> int:
        """How many calls the limiter lets run at once."""
        return self.limiter.statistics().limit

    @property
    def asked(self) -> Mapping[str, Any]:
        """What makes figures others than those of other options."""
        return {"problems": self.problems, "samples": self.samples, "seed": self.seed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for people, and its figures for programs.

    Attributes:
        title: What was measured, with how many problems and samples.
        headers: Names of columns; the first stands to the left, the others to the right.
        rows: As many texts each.
        notes: What a reader has to know, a sentence each: what was held out, what is cut.
        data: The same as JSON data, with figures as numbers.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The table in lines, under its title."""
        first, *others = self.headers
        table = TextTable(head=(first, *(f"{name} " for name in others)), rows=self.rows)
        notes = ["", *self.notes] if self.notes else []
        return "\n".join([self.title, "", *table.lines(_WIDEST), *notes])

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {
            "title": self.title,
            "headers": list(self.headers),
            "rows": [list(row) for row in self.rows],
            "notes": list(self.notes),
            "data": dict(self.data),
        }


Part = Callable[[Engine, Options], Awaitable[Sequence[Table]]]
"""Measures something of a model, and says it in tables."""


def rate(estimate: Estimate | None) -> str:
    """A share with its interval, in percent.

    >>> rate(Estimate(value=0.9912, low=0.9786, high=0.9956, how=""))
    '99.1 (97.9-99.6)'
    """
    return "-" if estimate is None else _told(estimate, scale=100, digits=1)


def mean(estimate: Estimate | None, digits: int = 0) -> str:
    """A number of tokens, or seconds, with its interval.

    >>> mean(Estimate(value=1234.4, low=1200.0, high=1260.9, how=""))
    '1,234 (1,200-1,261)'
    """
    return "-" if estimate is None else _told(estimate, scale=1, digits=digits)


def _told(estimate: Estimate, scale: float, digits: int) -> str:
    value = f"{scale * estimate.value:,.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({scale * estimate.low:,.{digits}f}-{scale * estimate.high:,.{digits}f})"
