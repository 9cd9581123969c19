"""A problem with a known answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Problem(BaseModel):
    """A problem.

    Attributes:
        id: Unique in its task, and the same wherever the task is loaded from.
        problem: The question, without the task's instructions.
        answer: The known answer.
        also: Further answers that are right.
        data: What else a task needs to know of it to put the question or to grade, as JSON data: numbers of a puzzle,
            choices, functions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    problem: str = Field(min_length=1)
    answer: str
    also: tuple[str, ...] = ()
    data: dict[str, Any] = {}
