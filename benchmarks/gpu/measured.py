"""The engine as one run of a benchmark has it: no prompt of it is in the cache, and what its calls come to is counted.

ForcedEngine ─> MeasuredEngine ─> the engine
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Role,
    Sampling,
    Segment,
)

from .errors import require


class MeasuredEngine(EngineWrapper):
    """Begins every conversation with a mark of its own, and counts.

    Args:
        inner: Generates.
        name: Unlike that of every other run on the same engine.

    Attributes:
        calls: How many there were.
        tokens: That all of them generated, of those that came to their end.
        most: So many ran at the same time.
    """

    def __init__(self, inner: Engine, name: str) -> None:
        super().__init__(inner)
        self.calls = 0
        self.tokens = 0
        self.most = 0
        self._name = name
        # Names may differ in their ends only, where a block of the cache is over.
        self._mark = hashlib.blake2s(name.encode(), digest_size=4).hexdigest()
        self._asked = 0
        self._running = 0

    def check(self) -> None:
        """Refuses what came of the run where a call was not as long as it was asked to be, or was left.

        A method may go on without a call that failed, so that this is asked for when all is done.

        Raises:
            Mismeasured: One was not.
        """
        require(
            self.tokens == self._asked,
            f"{self._name}: {self.calls} calls generated {self.tokens} tokens, and not {self._asked}",
        )

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The engine's stream."""
        self.calls += 1
        self._asked += sampling.max_tokens
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(self._counted(chunks)) as counted,
            ):
                yield counted
        finally:
            self._running -= 1

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """The engine's encoding, at the beginning with the mark before it."""
        told = f"{self._mark}\n{text}" if after is None else text
        return await self.inner.encode(told, role=role, after=after)

    async def _counted(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
        async for chunk in chunks:
            if chunk.finish_reason is not None:
                self.tokens += chunk.usage.generated_tokens
            yield chunk
