"""Runs branches a few at a time until the first of them, in their order, have decided what the rest would be asked for.

calls ─> task group of so many ─> outcomes of the first n ─> enough? ─> the rest is cancelled or never begun
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from .error_groups import single_error
from .errors import UsageError
from .joining import outcome_of
from .outcome import Outcome

T = TypeVar("T")

_NOT_NEEDED = "the ones before were enough"


async def join_in_order(
    calls: Sequence[Callable[[], Awaitable[T]]],
    enough: Callable[[Sequence[Outcome[T]]], Awaitable[bool]],
    *,
    in_flight: int,
) -> list[Outcome[T]]:
    """Runs the calls in their order, so many at once, until `enough` of the first ones.

    It depends on the order of the calls only, not on who ended first: a run that is resumed takes the same way without
    a journal of it. What ended behind the one that was enough does not count.

    Args:
        calls: The branches.
        enough: Gets the outcomes of the first 1, 2, 3, ... branches, and says whether these will do.
        in_flight: How many run at once, at least 1.

    Returns:
        The outcomes in the order of the calls; `cancelled` are those that were not needed. An error of the forkjoin
        tree becomes a failed outcome; anything else is a bug and cancels the siblings.

    Raises:
        UsageError: Nothing may run at once.
    """
    if in_flight < 1:
        raise UsageError(f"{in_flight} branches in flight never end: at least 1 is needed")
    line = _Line(calls, enough)
    with single_error():
        async with anyio.create_task_group() as group:
            for _ in range(min(in_flight, len(calls))):
                line.begin_next(group)
    return line.outcomes


class _Line(Generic[T]):
    def __init__(
        self,
        calls: Sequence[Callable[[], Awaitable[T]]],
        enough: Callable[[Sequence[Outcome[T]]], Awaitable[bool]],
    ) -> None:
        self._calls = calls
        self._enough = enough
        self._begun = 0
        self._ended: dict[int, Outcome[T]] = {}
        self._first: list[Outcome[T]] = []
        self._deciding = anyio.Lock()

    @property
    def outcomes(self) -> list[Outcome[T]]:
        rest = len(self._calls) - len(self._first)
        return self._first + [Outcome("cancelled", reason=_NOT_NEEDED)] * rest

    def begin_next(self, group: TaskGroup) -> None:
        if self._begun < len(self._calls):
            group.start_soon(self._run, self._begun, group)
            self._begun += 1

    async def _run(self, index: int, group: TaskGroup) -> None:
        self._ended[index] = await outcome_of(self._calls[index])
        # One at a time, since a decision takes time and those behind build on it.
        async with self._deciding:
            while (outcome := self._ended.pop(len(self._first), None)) is not None:
                self._first.append(outcome)
                if await self._enough(tuple(self._first)):
                    group.cancel_scope.cancel()
                    return
        self.begin_next(group)
