"""The base of engines that wrap an engine: everything goes through, subclasses change one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Self, TypeVar

from .completion import Chunk
from .context import Context, Role, Segment
from .delivery import STREAMED, Delivery
from .engine import Capabilities, Engine, EngineStatistics
from .sampling import Sampling

T = TypeVar("T")


class EngineWrapper(Engine):
    """Passes every call on to the engine inside, which it opens and closes with itself."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    @property
    def model(self) -> str:
        """The inner engine's model."""
        return self.inner.model

    @property
    def capabilities(self) -> Capabilities:
        """The inner engine's capabilities."""
        return self.inner.capabilities

    @property
    def fingerprint(self) -> str:
        """The inner engine's fingerprint."""
        return self.inner.fingerprint

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(context, sampling, delivery)

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """The inner engine's encoding."""
        return await self.inner.encode(text, role=role, after=after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """The inner engine's decoding."""
        return await self.inner.decode(token_ids)

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        """The inner engine's decision."""
        return await self.inner.decide(path, choose)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the inner engine has of it."""
        return await self.inner.unfinished(context, sampling)

    async def statistics(self) -> EngineStatistics:
        """The inner engine's statistics."""
        return await self.inner.statistics()

    async def aclose(self) -> None:
        """Closes the inner engine."""
        await self.inner.aclose()
