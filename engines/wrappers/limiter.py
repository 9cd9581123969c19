"""A limit on calls at the same time, which engines and runs may share, and the engine that keeps to it.

    slot ─> free? ─ yes ─> runs ─> leaves ──┐
              └─ no ─> waits in the queue <─┘ takes the next one in

A slot goes from hand to hand: nobody who comes later gets in between. It counts calls, not tasks or nodes, and does
not know what a call is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import anyio

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..errors import UsageError
from ..ready_queue import FairQueue, PriorityQueue, ReadyQueue
from ..sampling import Sampling
from ..wrapper import EngineWrapper

# Lengths become fractions of one step of priority, exactly for every priority below 2**21.
_LONGEST = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterStatistics:
    """What a limiter is doing.

    Attributes:
        limit: How many calls may run at once.
        running: How many do. More than the limit for a while, when it has been lowered.
        waiting: How many wait for a slot.
        peak: The most that ever ran at once.
    """

    limit: int
    running: int
    waiting: int
    peak: int


class Waiter:
    """A call that waits for a slot.

    Attributes:
        served: Set when it has got one.
        gone: Whether it was cancelled and waits no more.
    """

    __slots__ = ("gone", "served")

    def __init__(self) -> None:
        self.served = anyio.Event()
        self.gone = False


class WaiterQueue(PriorityQueue[Waiter]):
    """One owner's waiters. Those that are gone are passed over here, so that they cost the owner no turn."""

    def pop(self) -> Waiter:
        """Takes the next waiter that is there; one that is gone only where no other is left."""
        waiter = super().pop()
        while waiter.gone and len(self):
            waiter = super().pop()
        return waiter


class CallLimiter:
    """Lets so many calls run at once; the others wait.

    Args:
        limit: How many.
        queue: The order of those that wait. By default owners take turns, and within an owner the smallest priority
            comes first, of equal ones the first that came.

    Raises:
        UsageError: The limit is below 1.
    """

    def __init__(self, limit: int, queue: ReadyQueue[Waiter] | None = None) -> None:
        self._limit = _checked(limit)
        self._queue = FairQueue(WaiterQueue) if queue is None else queue
        self._running = 0
        self._waiting = 0
        self._peak = 0
        # One for each task that waits until this is full; not one for all, which would belong to a single event loop.
        self._wanted: set[anyio.Event] = set()

    def slot(self, *, owner: str = "", priority: float = 0) -> AbstractAsyncContextManager[None]:
        """A slot, for the length of an `async with` block.

        Where one is free, entering does not suspend. Who holds a slot must not wait for another one to go on.

        Args:
            owner: Who shares fairly with other owners, such as a run.
            priority: Lower is served earlier, among those of one owner.
        """
        return _Slot(self, owner, priority)

    def resize(self, limit: int) -> None:
        """Changes the limit. Calls that run go on, also where they are more than the new one.

        Raises:
            UsageError: The limit is below 1.
        """
        self._limit = _checked(limit)
        self._serve()
        self._tell_full()

    async def wait_full(self) -> None:
        """Waits until all slots are taken."""
        while self._running < self._limit:
            wanted = anyio.Event()
            self._wanted.add(wanted)
            try:
                await wanted.wait()
            finally:
                self._wanted.remove(wanted)

    async def adapt(self) -> None:
        """Changes the limit as is best, until it is cancelled. A fixed one has nothing to do.

        Whoever runs calls has to run this too: a limit that could adapt stays where it is while nobody does.
        """

    def statistics(self) -> LimiterStatistics:
        """What it is doing now."""
        return LimiterStatistics(
            limit=self._limit, running=self._running, waiting=self._waiting, peak=self._peak
        )

    def _take_nowait(self) -> bool:
        # Whenever a slot is free nobody waits, since it was offered to them.
        if self._running >= self._limit:
            return False
        self._running += 1
        if self._running > self._peak:
            self._peak = self._running
        self._tell_full()
        return True

    def _tell_full(self) -> None:
        if self._running >= self._limit:
            for wanted in self._wanted:
                wanted.set()

    async def _wait_for_slot(self, owner: str, priority: float) -> None:
        waiter = Waiter()
        self._queue.push(waiter, priority=priority, owner=owner)
        self._waiting += 1
        try:
            await waiter.served.wait()
        except BaseException:
            if waiter.served.is_set():
                self._release()
            else:
                waiter.gone = True
                self._waiting -= 1
            raise

    def _release(self) -> None:
        self._running -= 1
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._running < self._limit:
            waiter = self._queue.pop()
            if not waiter.gone:
                self._waiting -= 1
                self._take_nowait()
                waiter.served.set()


class _Slot(AbstractAsyncContextManager[None]):
    """A call's place in a limiter, for the length of one block."""

    __slots__ = ("_limiter", "_owner", "_priority")

    def __init__(self, limiter: CallLimiter, owner: str, priority: float) -> None:
        self._limiter = limiter
        self._owner = owner
        self._priority = priority

    async def __aenter__(self) -> None:
        if not self._limiter._take_nowait():
            await self._limiter._wait_for_slot(self._owner, self._priority)

    async def __aexit__(self, *_: object) -> None:
        self._limiter._release()


class LimitedEngine(EngineWrapper):
    """Runs its calls within a limit.

    Of an owner's calls, those of a lower `delivery.priority` come first; of equal ones those that are expected to be
    long, so that the last ones to run are short (after Zeppelin, which places long sequences first).

    Args:
        inner: The engine.
        limiter: The limit, which others may share.
        owner: Who shares it fairly with the other owners, such as a run.
    """

    def __init__(self, inner: Engine, limiter: CallLimiter, owner: str = "") -> None:
        super().__init__(inner)
        self._limiter = limiter
        self._owner = owner

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream, once a slot is free."""
        length = delivery.expected_tokens or sampling.max_tokens
        rank = delivery.priority - min(length / _LONGEST, 1)
        async with (
            self._limiter.slot(owner=self._owner, priority=rank),
            self.inner.stream(context, sampling, delivery) as chunks,
        ):
            yield chunks


def _checked(limit: int) -> int:
    if limit < 1:
        raise UsageError(f"a limit of {limit} calls lets none run: give at least 1")
    return limit
