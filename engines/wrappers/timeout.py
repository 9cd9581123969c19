"""An engine whose calls end in time. It does not know why one is late, and repeats none."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import anyio.lowlevel

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..errors import CallTimedOut, UsageError
from ..sampling import Sampling
from ..wrapper import EngineWrapper
from .parts import as_asked, in_parts


class TimeoutEngine(EngineWrapper):
    """Aborts calls that take too long.

    Only the time that a reader waits for the engine counts, not what it does between two chunks; its own code is
    not interrupted. With an `idle` limit, calls are streamed inside, also those that are read whole.

    Args:
        inner: The engine.
        total: The most seconds that a call may take.
        idle: The most seconds without a token, those before the first one included. Where the engine sends several
            tokens at a time, it has to be enough for as many.

    Raises:
        UsageError: A limit is not above 0.
    """

    def __init__(
        self, inner: Engine, *, total: float | None = None, idle: float | None = None
    ) -> None:
        super().__init__(inner)
        for name, limit in (("total", total), ("idle", idle)):
            if limit is not None and not limit > 0:
                raise UsageError(f"a limit of {limit:g} s ({name}) lets no call end: give more")
        self._total = math.inf if total is None else total
        self._idle = math.inf if idle is None else idle

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream; raises `CallTimedOut` where it takes too long."""
        inside = delivery if self._idle == math.inf else in_parts(delivery)
        wait = _Wait(self._total, self._idle)
        # One scope around all, not one a chunk: scopes that the inner stream keeps open have to lie within.
        with wait.scope:
            wait.begin()
            async with self.inner.stream(context, sampling, inside) as chunks:
                await wait.end()
                async with aclosing(as_asked(wait.timed(chunks), delivery)) as passing:
                    yield passing
        if wait.scope.cancelled_caught:
            raise wait.error()


class _Wait:
    """How long one call's reader has waited. The scope has a deadline only while it waits."""

    def __init__(self, total: float, idle: float) -> None:
        self.scope = anyio.CancelScope()
        self._total = total
        self._idle = idle
        self._left = total
        # What is left without a token; entering and waiting for the first one are one silence.
        self._idle_left = idle
        self._since = 0.0
        self._received = 0

    def begin(self) -> None:
        self._since = anyio.current_time()
        self.scope.deadline = self._since + min(self._left, self._idle_left)

    async def end(self) -> None:
        self.scope.deadline = math.inf
        if self.scope.cancel_called:
            # The deadline passed while the loop was blocked: it ends the call here, not in the reader's own code.
            await anyio.lowlevel.checkpoint()
        waited = anyio.current_time() - self._since
        self._left -= waited
        self._idle_left -= waited

    async def timed(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        self.begin()
        try:
            async for chunk in chunks:
                await self.end()
                self._idle_left = self._idle
                self._received = chunk.usage.generated_tokens
                yield chunk
                self.begin()
        finally:
            self.scope.deadline = math.inf

    def error(self) -> CallTimedOut:
        if self._idle_left <= self._left:
            late = f"no token came for {self._idle:g} s"
        else:
            late = f"the call took more than {self._total:g} s"
        return CallTimedOut(
            f"{late} (tokens received: {self._received}): the engine hangs or has too much to do; "
            f"see whether it works, or give calls more time"
        )
