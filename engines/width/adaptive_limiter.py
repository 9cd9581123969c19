"""A limit on calls that follows what the engine does best.

It has no task of its own. Calls that end measure; but where all begin at the same time they also end so, and then long
nothing is measured. Who has a task group lets `adapt` run in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

import anyio

from ..engine import Engine
from ..errors import EngineError
from ..ready_queue import ReadyQueue
from ..wrappers.limiter import CallLimiter, Slot, Waiter
from .controller import Measurement, WidthController


class AdaptiveLimiter(CallLimiter):
    """Lets as many calls run at once as give the most tokens per second.

    When a call ends well, and some time has passed since the last measurement, the engine is asked for its
    statistics. An engine that does not answer changes nothing.

    Args:
        engine: Whose calls these are; all of them should be, since it cannot tell others apart.
        controller: Says how many.
        queue: The order of those that wait, as in `CallLimiter`.
        interval: Seconds between two measurements, at least.
        clock: The time in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        controller: WidthController | None = None,
        queue: ReadyQueue[Waiter] | None = None,
        *,
        interval: float = 1,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self.controller = controller or WidthController()
        super().__init__(self.controller.width, queue)
        self._engine = engine
        self._interval = interval
        self._clock = clock
        self._asked = -math.inf

    def slot(self, *, owner: str = "", priority: float = 0) -> AbstractAsyncContextManager[None]:
        """A slot, as in `CallLimiter`; leaving it may take the time of a measurement."""
        return _MeasuringSlot(self, owner, priority)

    async def adapt(self) -> None:
        """Measures at every interval in which calls wait, until it is cancelled. Several that do so measure once."""
        while True:
            await self.wait_full()
            await anyio.sleep(self._interval)
            await self.measure_if_due()

    async def measure_if_due(self) -> None:
        """Asks the engine what it does, unless that was done just now, and sets the limit."""
        now = self._clock()
        if now - self._asked < self._interval:
            return
        self._asked = now
        with anyio.move_on_after(self._interval), suppress(EngineError):
            engine = await self._engine.statistics()
            calls = self.statistics()
            measurement = Measurement(
                seconds=self._clock(),
                tokens=engine.generated_tokens,
                in_flight=calls.running,
                waiting=calls.waiting,
                running=engine.running,
                kv_usage=engine.kv_usage,
            )
            self.resize(self.controller.observe(measurement))


class _MeasuringSlot(Slot):
    __slots__ = ("_measure",)

    def __init__(self, limiter: AdaptiveLimiter, owner: str, priority: float) -> None:
        super().__init__(limiter, owner, priority)
        self._measure = limiter.measure_if_due

    async def __aexit__(self, kind: object = None, *rest: object) -> None:
        await super().__aexit__(kind, *rest)
        if kind is None:
            await self._measure()
