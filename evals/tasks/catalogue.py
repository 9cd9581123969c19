"""The tasks that have names, and those of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any

from engines import UsageError
from orchestrator.imported import imported, is_place

from ..task import Task
from .arithmetic import ARITHMETIC
from .contests import CONTESTS, CUSTOM
from .function_calls import BFCL_PARALLEL
from .multiple_choice import GPQA_DIAMOND
from .puzzles import PUZZLES
from .question_answering import QUESTIONS

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            *CONTESTS,
            GPQA_DIAMOND,
            *PUZZLES,
            ARITHMETIC,
            *QUESTIONS,
            BFCL_PARALLEL,
            CUSTOM,
        )
    }
)
"""The tasks by their names."""


def task_named(name: str) -> Task:
    """The task of this name.

    Args:
        name: Of `TASKS`, or `MODULE:NAME` of a task of one's own, or of a function without arguments that returns one.

    Raises:
        UsageError: There is none.
    """
    if name in TASKS:
        return TASKS[name]
    if not is_place(name):
        raise UsageError(
            f"no task {name!r}: choose one of {', '.join(TASKS)}, or MODULE:NAME of your own"
        )
    found = imported(name, "task")
    if not isinstance(found, Task) and callable(found):
        found = _called(found, name)
    if not isinstance(found, Task):
        raise UsageError(f"task {name}: is no evals.Task, but of the type {type(found).__name__}")
    return found


def _called(function: Callable[..., Any], name: str) -> Any:
    try:
        signature(function).bind()
    except TypeError:
        raise UsageError(
            f"task {name}: is no evals.Task, but a function with arguments: name a Task, or a function without any"
        ) from None
    return function()
