"""The base of engines that wrap an engine: everything goes through, subclasses change one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from .completion import Chunk
from .context import Context, Role, Segment
from .engine import Capabilities, Engine, EngineStatistics
from .sampling import Sampling


class EngineWrapper(Engine):
    """Passes every call on to the engine inside."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner

    @property
    def model(self) -> str:
        """The inner engine's model."""
        return self.inner.model

    @property
    def capabilities(self) -> Capabilities:
        """The inner engine's capabilities."""
        return self.inner.capabilities

    def stream(
        self, context: Context, sampling: Sampling
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(context, sampling)

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """The inner engine's encoding."""
        return await self.inner.encode(text, role=role, after=after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """The inner engine's decoding."""
        return await self.inner.decode(token_ids)

    async def statistics(self) -> EngineStatistics:
        """The inner engine's statistics."""
        return await self.inner.statistics()

    async def aclose(self) -> None:
        """Closes the inner engine."""
        await self.inner.aclose()
