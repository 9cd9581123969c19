"""Seeing the parts of a call that its caller reads whole: streamed inside, merged outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from ..completion import Chunk, as_whole
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..sampling import Sampling
from ..wrapper import EngineWrapper

# A part costs the engine and its client about the same however long it is; no wrapper needs them finer.
COARSE_INTERVAL = 16


def in_parts(delivery: Delivery, interval: int = COARSE_INTERVAL) -> Delivery:
    """How to ask the engine inside, where a wrapper has to see parts: in such ones if the caller wants none."""
    if not delivery.whole:
        return delivery
    return replace(delivery, whole=False, interval=max(delivery.interval, interval))


def as_asked(chunks: AsyncGenerator[Chunk], delivery: Delivery) -> AsyncGenerator[Chunk]:
    """The parts as the caller asked for them."""
    return as_whole(chunks) if delivery.whole else chunks


class PartwiseEngine(EngineWrapper):
    """Asks in parts for what is read whole, so that wrappers inside see how far a call is when it is cut."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        async with (
            self.inner.stream(context, sampling, in_parts(delivery)) as chunks,
            aclosing(as_asked(_passed(chunks), delivery)) as passing,
        ):
            yield passing


async def _passed(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
    async for chunk in chunks:
        yield chunk
