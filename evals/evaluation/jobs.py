"""In which order samples are made: those of a problem one after another, the problems of all tasks in turn. Pure.

    aime-1: 0 1 2 3   gsm-1: 0 1 2 3   gsm-2: 0 1 2 3   aime-2: 0 1 2 3  ...

So a problem's prompt is in the engine's cache while its samples are made, and tasks of different lengths end together.
Nothing waits for a problem to end, so the last samples are the only ones that run beside fewer.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..problem import Problem
from ..task import Task
from .question import Question
from .rows import Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A sample that is to be made.

    Attributes:
        question: What is asked.
        sample: Its number, from 0 on.
    """

    question: Question
    sample: int

    @property
    def key(self) -> Key:
        """What names its row."""
        return Key(self.question.task.name, self.question.problem.id, self.sample)

    @property
    def node(self) -> str:
        """What names it in paths and events: `TASK/PROBLEM/SAMPLE`."""
        return f"{self.question.name}/{self.sample}"


def jobs(
    tasks: Mapping[str, Task],
    problems: Mapping[str, Sequence[Problem]],
    k: int,
    done: Container[Key] = (),
) -> Iterator[Job]:
    """The samples that are to be made, one by one.

    Args:
        tasks: By their names.
        problems: Of each task.
        k: Samples of each problem.
        done: Those that are there.
    """
    for name, problem in in_turn(problems):
        question = Question(tasks[name], problem)
        for sample in range(k):
            job = Job(question, sample)
            if job.key not in done:
                yield job


def in_turn(several: Mapping[str, Sequence[T]]) -> list[tuple[str, T]]:
    """The items of all lists, each with its list's name, mixed so that all lists go on at the pace of their lengths.

    >>> [item for _, item in in_turn({"long": [1, 2, 3, 4], "short": "ab"})]
    [1, 'a', 2, 3, 'b', 4]
    """
    placed = [
        ((index + 0.5) / len(items), name, item)
        for name, items in several.items()
        for index, item in enumerate(items)
    ]
    # Stable, so that of two at the same place the list that was named first comes first.
    return [(name, item) for _, name, item in sorted(placed, key=lambda entry: entry[0])]
