"""Runs branches that are begun as it goes, and takes those that ended in waves: a search, not a race.

begin ─> task group ─> ended ─┬─> wave 0 ─> begin more ─> ...
                              └─> what is late runs on, and belongs to a later wave
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from .engine import Engine
from .error_groups import single_error
from .join_policy import All, JoinPolicy
from .joining import outcome_of
from .outcome import Outcome

T = TypeVar("T")


@asynccontextmanager
async def join_in_waves(engine: Engine, path: str) -> AsyncIterator[Waves[Any]]:
    """A block in which branches run; leaving it aborts those that still do.

    Args:
        engine: Keeps who was in time, under `path`, so that a run that is resumed takes the same way.
        path: The name of the decisions, unique in a run: the path of the context that the branches fork from.
    """
    with single_error():
        async with anyio.create_task_group() as group:
            yield Waves(engine, path, group)
            group.cancel_scope.cancel()


class Waves(Generic[T]):
    """Branches that run. Made by `join_in_waves`."""

    def __init__(self, engine: Engine, path: str, group: TaskGroup) -> None:
        self._engine = engine
        self._path = path
        self._group = group
        self._running: dict[str, anyio.Event] = {}
        self._ended: dict[str, Outcome[T]] = {}
        # Counted, since counting at every end would take a time that grows with the square.
        self._usable = 0
        self._taken = 0
        self._news = anyio.Event()

    @property
    def in_flight(self) -> tuple[str, ...]:
        """The keys of the branches that were begun and are in no wave yet, in the order in which they began."""
        return tuple(self._running)

    def begin(self, key: str, call: Callable[[], Awaitable[T]]) -> None:
        """Starts a branch.

        Args:
            key: Unique among those of this block; the same in a run that is resumed.
            call: The branch. An error of the forkjoin tree becomes a failed outcome; anything else is a bug, and ends
                the block.
        """
        self._running[key] = anyio.Event()
        self._group.start_soon(self._run, key, call)

    async def next(self, policy: JoinPolicy) -> Mapping[str, Outcome[T]]:
        """Waits until enough of those in flight have ended, and takes all that have.

        Args:
            policy: How many of those in flight are enough, and how long to wait at most. Where it cannot be met any
                more, all are waited for.

        Returns:
            The outcomes by their keys, in the order in which they began, at least one unless time ran out. In a run
            that is resumed, those of the same branches.
        """
        number, self._taken = self._taken, self._taken + 1

        async def choose() -> list[str]:
            with anyio.move_on_after(policy.seconds):
                while not self._enough(policy):
                    self._news = anyio.Event()
                    await self._news.wait()
            return [key for key in self._running if key in self._ended]

        if isinstance(policy, All):
            # Nothing is decided by time.
            keys = list(self._running)
        else:
            keys = await self._engine.decide(f"{self._path}#wave-{number}", choose)
        for key in keys:
            await self._running[key].wait()
            del self._running[key]
        wave = {key: self._ended.pop(key) for key in keys}
        self._usable -= sum(outcome.usable for outcome in wave.values())
        return wave

    def _enough(self, policy: JoinPolicy) -> bool:
        total = len(self._running)
        return len(self._ended) >= total or (
            self._usable > 0 and policy.enough(self._usable, total)
        )

    async def _run(self, key: str, call: Callable[[], Awaitable[T]]) -> None:
        outcome = self._ended[key] = await outcome_of(call)
        self._usable += outcome.usable
        self._running[key].set()
        self._news.set()
