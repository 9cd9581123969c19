"""What statistics are of: the samples of one problem, as numbers. They know no texts, tasks or folders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One sample.

    Attributes:
        correct: Whether it is right.
        vote: What it votes for: equal numbers are equal answers; None for no answer, which votes for nothing.
        weight: What its vote weighs; None where nothing says so.
        tokens: Tokens generated for it, in all its calls.
        critical_path: Of these, those one after another.
        seconds: How long it took.
    """

    correct: bool
    vote: int | None
    weight: float | None = None
    tokens: int = 0
    critical_path: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """The samples of one problem.

    Attributes:
        problem: Which: the same name in two systems is the same problem.
        trials: In the order of their numbers; those that failed around the system are not among them.
    """

    problem: str
    trials: tuple[Trial, ...]
