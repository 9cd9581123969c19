"""Runs branches that are begun as it goes, and takes those that ended in waves: a search, not a race.

begin ─> task group ─> enough ended ─┬─> wave 0 ─> begin more ─> enough of these ended ─> wave 1 ─> ...
                                     └─> what is late runs on, and joins a later wave ───────┘

It knows no search: what a branch does, and what is begun after a wave, is its caller's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
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
    """Branches that run. Made by `join_in_waves`.

    In a run that is resumed a branch starts no sooner than its outcome is needed, so that what was left behind is not
    asked for again.
    """

    def __init__(self, engine: Engine, path: str, group: TaskGroup) -> None:
        self._engine = engine
        self._path = path
        self._group = group
        self._in_flight: dict[str, anyio.Event] = {}
        self._not_started: dict[str, Callable[[], Awaitable[T]]] = {}
        self._ended: dict[str, Outcome[T]] = {}
        self._new: set[str] = set()
        # Counted as they end, since counting all at every end would take a time that grows with the square.
        self._new_running = self._new_usable = self._usable = 0
        self._taken = 0
        self._news = anyio.Event()

    @property
    def in_flight(self) -> tuple[str, ...]:
        """The keys of the branches that were begun and are in no wave yet, in the order in which they began."""
        return tuple(self._in_flight)

    def begin(self, key: str, call: Callable[[], Awaitable[T]]) -> None:
        """Adds a branch, which runs from the next wait on.

        Args:
            key: Unique among those of this block; the same in a run that is resumed.
            call: The branch. An error of the forkjoin tree becomes a failed outcome; anything else is a bug, and ends
                the block.
        """
        self._in_flight[key] = anyio.Event()
        self._not_started[key] = call
        self._new.add(key)

    async def next(self, policy: JoinPolicy) -> Mapping[str, Outcome[T]]:
        """Waits until enough have ended, and takes all that have.

        Enough of those begun since the wave before will do, so that what is late holds nothing up; and so will enough
        of all in flight, so that what was late does not wait for what is slow now.

        Args:
            policy: How many are enough, and how long to wait at most. Where it cannot be met any more, all that were
                begun since are waited for. What is late is waited for where nothing was begun, and by `All`.

        Returns:
            The outcomes by their keys, in the order in which they began; none only if time ran out, or if nothing is
            in flight. In a run that is resumed, those of the same branches.
        """
        number, self._taken = self._taken, self._taken + 1

        async def choose() -> list[str]:
            self._start(self.in_flight)
            self._count()
            with anyio.move_on_after(policy.seconds):
                while not self._enough(policy):
                    self._news = anyio.Event()
                    await self._news.wait()
            return [key for key in self._in_flight if key in self._ended]

        if isinstance(policy, All):
            # Nothing is decided by time.
            keys = list(self._in_flight)
        else:
            keys = await self._engine.decide(f"{self._path}#wave-{number}", choose)
        self._start(keys)
        wave = {key: await self._take(key) for key in keys}
        self._new = set()
        return wave

    def _count(self) -> None:
        self._new = self._new or set(self._in_flight)
        ended = [self._ended[key] for key in self._new & self._ended.keys()]
        self._new_running = len(self._new) - len(ended)
        self._new_usable = sum(outcome.usable for outcome in ended)

    def _enough(self, policy: JoinPolicy) -> bool:
        return (
            not self._new_running
            or policy.enough(self._new_usable, len(self._new))
            or policy.enough(self._usable, len(self._in_flight))
        )

    def _start(self, keys: Iterable[str]) -> None:
        for key in keys:
            call = self._not_started.pop(key, None)
            if call is not None:
                self._group.start_soon(self._run, key, call)

    async def _run(self, key: str, call: Callable[[], Awaitable[T]]) -> None:
        outcome = self._ended[key] = await outcome_of(call)
        self._usable += outcome.usable
        if key in self._new:
            self._new_running -= 1
            self._new_usable += outcome.usable
        self._in_flight[key].set()
        self._news.set()

    async def _take(self, key: str) -> Outcome[T]:
        await self._in_flight[key].wait()
        del self._in_flight[key]
        outcome = self._ended.pop(key)
        self._usable -= outcome.usable
        return outcome
