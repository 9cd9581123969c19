"""The interface of graders: what a text answers, whether that is right, and whether two answers are the same vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ..problem import Problem

Warning = Literal["", "cut", "missed", "unread"]
"""Why a verdict deserves a look, as MathArena classes it: a limit `cut` the text before an answer; the known answer
stands in the text and was `missed`; what was extracted is `unread`, since the grader cannot make sense of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of grading a text.

    Attributes:
        extracted: The answer in it; None if none can be told apart, which is not correct.
        correct: Whether it is right.
        warning: Why the verdict deserves a look; empty if it does not.
    """

    extracted: str | None
    correct: bool
    warning: Warning = ""


class Grader(Protocol):
    """Decides about answers of a task. It may open what it needs on first use; `aclose` ends that."""

    @property
    def name(self) -> str:
        """What it is called in rows, such as `math`."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same text could be graded otherwise, also by a library that it stands on."""
        ...

    def extract(self, text: str) -> str | None:
        """The answer in what a model wrote; None if none can be told apart. Pure."""
        ...

    async def correct(self, problem: Problem, answer: str) -> bool:
        """Whether an answer that was extracted is right."""
        ...

    async def same(self, first: str, second: str) -> bool:
        """Whether two answers that were extracted are one vote."""
        ...

    async def aclose(self) -> None:
        """Frees what it opened. A second call does nothing."""
        ...
