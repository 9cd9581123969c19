"""Which tasks are ready: a dependency graph with its own counters. Pure and synchronous.

It knows neither what a task is, nor who runs it, nor in which order ready tasks are taken.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True, eq=False)
class _Task(Generic[K]):
    key: K
    waits_for: int
    dependents: list[_Task[K]] = field(default_factory=list)
    settled: bool = False


class TaskGraph(Generic[K]):
    """Tasks and what they wait for. Tasks may be added at any time, also while others run.

    >>> graph = TaskGraph[str]()
    >>> graph.add("a"), graph.add("b", ["a"])
    (True, False)
    >>> graph.settle("a")
    ['b']
    """

    def __init__(self) -> None:
        self._tasks: dict[K, _Task[K]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def unsettled(self) -> Iterator[K]:
        """The tasks that have not ended, in the order of adding."""
        return (key for key, task in self._tasks.items() if not task.settled)

    def add(self, key: K, dependencies: Iterable[K] = ()) -> bool:
        """Adds a task and returns whether it is ready.

        Raises:
            ValueError: The task is there already.
            KeyError: A dependency is not.
        """
        if key in self._tasks:
            raise ValueError(f"task {key!r} is there already")
        before = [self._tasks[dependency] for dependency in dict.fromkeys(dependencies)]
        waiting = [task for task in before if not task.settled]
        added = self._tasks[key] = _Task(key, len(waiting))
        for task in waiting:
            task.dependents.append(added)
        return not waiting

    def settle(self, key: K) -> list[K]:
        """Notes that a task has ended and returns the tasks that became ready, in the order of adding.

        Raises:
            ValueError: The task waits for others, or has ended before.
        """
        task = self._tasks[key]
        if task.waits_for or task.settled:
            raise ValueError(f"task {key!r} {'ended twice' if task.settled else 'is not ready'}")
        task.settled = True
        ready = []
        for dependent in task.dependents:
            dependent.waits_for -= 1
            if not dependent.waits_for:
                ready.append(dependent.key)
        # Nobody asks again; in a long run this is most of what a task holds.
        task.dependents.clear()
        return ready

    def forget(self, key: K) -> None:
        """Removes a task on which no other depends; what it waits for may still report it as ready.

        Raises:
            KeyError: The task is not there.
        """
        del self._tasks[key]
