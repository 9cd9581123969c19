"""An engine whose calls generate so many tokens at most: a thinking budget for any method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper


class CappedEngine(EngineWrapper):
    """Lowers the limit of every call that wants more.

    Args:
        inner: The engine.
        max_tokens: The most that a call generates, at least 1.
    """

    def __init__(self, inner: Engine, max_tokens: int) -> None:
        super().__init__(inner)
        self._max_tokens = max_tokens

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(context, self._capped(sampling), delivery)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the inner engine has of it."""
        return await self.inner.unfinished(context, self._capped(sampling))

    def _capped(self, sampling: Sampling) -> Sampling:
        if sampling.max_tokens <= self._max_tokens:
            return sampling
        return sampling.model_copy(update={"max_tokens": self._max_tokens})
