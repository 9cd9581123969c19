"""An engine that counts what all of its calls took, those that were left too. It does not know who asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineWrapper, Sampling, Usage


class CountedEngine(EngineWrapper):
    """Counts tokens.

    Args:
        inner: The engine.

    Attributes:
        spent: What its calls took, as far as they have ended or were left.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self.spent = Usage()

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(self._passing(chunks)) as passing,
        ):
            yield passing

    async def _passing(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        last: Chunk | None = None
        try:
            async for last in chunks:
                yield last
        finally:
            if last is not None:
                self._count(last.usage)

    def _count(self, usage: Usage) -> None:
        # What one call does not know is no reason to forget what the others do.
        known = usage.model_copy(update={"cached_tokens": usage.cached_tokens or 0})
        self.spent += known
