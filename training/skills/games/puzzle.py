"""A puzzle: some numbers, and what is to be made of them by + - * /, each of them once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from evals import Problem
from evals.game24 import Numbers
from evals.tasks.puzzles import PUZZLES

TARGET = 24
"""Of the Game of 24."""

_GAME24, _ = PUZZLES


@dataclass(frozen=True, slots=True)
class Puzzle:
    """The numbers, as they are asked, and their target.

    >>> Puzzle((4, 10, 5, 6)).problem.id
    '4 10 5 6 > 24'
    """

    numbers: tuple[int, ...]
    target: int = TARGET

    @property
    def left(self) -> Numbers:
        """The numbers before the first move."""
        return tuple(map(Fraction, sorted(self.numbers)))

    @property
    def problem(self) -> Problem:
        """As a problem of the tasks `game24` and `countdown`."""
        text = " ".join(map(str, self.numbers))
        return Problem(
            id=f"{text} > {self.target}",
            problem=text,
            answer=str(self.target),
            data={"numbers": list(self.numbers), "target": self.target},
        )

    @property
    def asked(self) -> str:
        """As these tasks put it: with how to answer."""
        return _GAME24.asked(self.problem)
