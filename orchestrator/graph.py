"""Which tasks are ready: a dependency graph with its own counters. Pure and synchronous."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Task:
    waits_for: int
    dependents: list[str] = field(default_factory=list)
    settled: bool = False


class TaskGraph:
    """Tasks and what they wait for. Tasks may be added at any time, also while others run.

    >>> graph = TaskGraph()
    >>> graph.add("a"), graph.add("b", ["a"])
    (True, False)
    >>> graph.settle("a")
    ['b']
    """

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._unsettled = 0

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def unsettled(self) -> int:
        """How many tasks have not ended."""
        return self._unsettled

    def add(self, task: str, dependencies: Iterable[str] = ()) -> bool:
        """Adds a task and returns whether it is ready.

        Raises:
            ValueError: The task is there already.
            KeyError: A dependency is not.
        """
        if task in self._tasks:
            raise ValueError(f"task {task!r} is there already")
        before = [self._tasks[dependency] for dependency in dict.fromkeys(dependencies)]
        waiting = [other for other in before if not other.settled]
        for other in waiting:
            other.dependents.append(task)
        self._tasks[task] = _Task(len(waiting))
        self._unsettled += 1
        return not waiting

    def settle(self, task: str) -> list[str]:
        """Notes that a task has ended and returns the tasks that became ready, in the order of adding.

        Raises:
            ValueError: The task waits for others, or has ended before.
        """
        node = self._tasks[task]
        if node.waits_for or node.settled:
            raise ValueError(f"task {task!r} {'ended twice' if node.settled else 'is not ready'}")
        node.settled = True
        self._unsettled -= 1
        ready = []
        for dependent in node.dependents:
            self._tasks[dependent].waits_for -= 1
            if self._tasks[dependent].waits_for == 0:
                ready.append(dependent)
        return ready

    def descendants(self, task: str) -> set[str]:
        """All tasks that wait for this one, directly or not, as far as they have been added."""
        found: set[str] = set()
        frontier = [task]
        while frontier:
            for dependent in self._tasks[frontier.pop()].dependents:
                if dependent not in found:
                    found.add(dependent)
                    frontier.append(dependent)
        return found
