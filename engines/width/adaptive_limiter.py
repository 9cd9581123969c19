"""A limit on calls that follows what the engine does best.

It has no task of its own: who has a task group lets `adapt` run in it. Calls never wait for a measurement.
"""

from __future__ import annotations

import math
from contextlib import suppress

import anyio

from ..engine import Engine
from ..errors import EngineError
from ..ready_queue import ReadyQueue
from ..wrappers.limiter import CallLimiter, Waiter
from .controller import Measurement, WidthController


class AdaptiveLimiter(CallLimiter):
    """Lets as many calls run at once as give the most tokens per second.

    While somebody runs `adapt` and all slots are taken, the engine is asked for its statistics at every interval; an
    engine that does not answer changes nothing. Where nobody runs it, the limit stays where it is.

    Args:
        engine: Whose calls these are; all of them should be, since it cannot tell others apart.
        controller: Says how many.
        queue: The order of those that wait, as in `CallLimiter`.
        interval: Seconds between two measurements, at least.
    """

    def __init__(
        self,
        engine: Engine,
        controller: WidthController | None = None,
        queue: ReadyQueue[Waiter] | None = None,
        *,
        interval: float = 1,
    ) -> None:
        self.controller = controller or WidthController()
        super().__init__(self.controller.width, queue)
        self._engine = engine
        self._interval = interval
        self._asked = -math.inf

    async def adapt(self) -> None:
        """Measures at every interval in which all slots are taken, until it is cancelled.

        Several that do so measure once. What an engine raises other than an `EngineError` comes out of here.
        """
        while True:
            await self.wait_full()
            await anyio.sleep(self._interval)
            await self._measure_if_due()

    async def _measure_if_due(self) -> None:
        """Asks the engine what it does, unless that was done just now, and sets the limit."""
        now = anyio.current_time()
        if now - self._asked < self._interval:
            return
        self._asked = now
        with anyio.move_on_after(self._interval), suppress(EngineError):
            engine = await self._engine.statistics()
            calls = self.statistics()
            measurement = Measurement(
                seconds=anyio.current_time(),
                tokens=engine.generated_tokens,
                in_flight=calls.running,
                waiting=calls.waiting,
                running=engine.running,
                kv_usage=engine.kv_usage,
            )
            self.resize(self.controller.observe(measurement))
