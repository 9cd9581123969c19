"""A problem as it is put to a system: its samples share one context, so that they share one prefix in the KV cache."""

from __future__ import annotations

import anyio

from engines import Context, Engine, converse

from ..problem import Problem
from ..task import Task


class Question:
    """A problem of a task while its samples are made.

    Args:
        task: Says how it is put.
        problem: What is put.
    """

    def __init__(self, task: Task, problem: Problem) -> None:
        self.task = task
        self.problem = problem
        self._context: Context | None = None
        self._encoding = anyio.Lock()

    @property
    def name(self) -> str:
        """What it is called in paths, as `TASK/PROBLEM`: unique, since a slash in an id is written as `%2F`.

        >>> from evals import Problem, Task
        >>> Question(Task(name="mine", about="", grader=None), Problem(id="a/1", problem="?", answer="")).name
        'mine/a%2F1'
        """
        return f"{self.task.name}/{_written(self.problem.id)}"

    @property
    def asked(self) -> str:
        """The text of the user's turn."""
        return self.task.asked(self.problem)

    async def context(self, engine: Engine) -> Context:
        """What its samples fork from, encoded once."""
        async with self._encoding:
            if self._context is None:
                self._context = await converse(engine, [("user", self.asked)], name=self.name)
            return self._context


def _written(id: str) -> str:
    return id.replace("%", "%25").replace("/", "%2F")
