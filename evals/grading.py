"""Whether an answer is the known one."""

from __future__ import annotations

from dataclasses import dataclass

from reasoning import Answer, equal

from .problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What came of comparing an answer with the known one.

    Attributes:
        correct: Whether they are equal in the sense of mathematics.
        extracted: The final answer that was compared; None if none could be told apart, which is not correct.
    """

    correct: bool
    extracted: str | None


async def grade(problem: Problem, answer: Answer) -> Grade:
    """Compares a run's answer with the problem's; text without a final answer is wrong."""
    if answer.value is None:
        return Grade(correct=False, extracted=None)
    return Grade(correct=await equal(problem.answer, answer.value), extracted=answer.value)
