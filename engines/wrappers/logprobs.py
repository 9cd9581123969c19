"""An engine whose calls tell how likely their tokens were: for what reads the confidence of any method's threads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper


class LogprobsEngine(EngineWrapper):
    """Asks for logprobs in every call that asks for none.

    Args:
        inner: The engine.
        logprobs: How many of the likeliest tokens to tell of, as `Sampling` takes it.
    """

    def __init__(self, inner: Engine, logprobs: int) -> None:
        super().__init__(inner)
        self._logprobs = logprobs

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(context, self._asking(sampling), delivery)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the inner engine has of it."""
        return await self.inner.unfinished(context, self._asking(sampling))

    def _asking(self, sampling: Sampling) -> Sampling:
        if sampling.logprobs is not None:
            return sampling
        return sampling.model_copy(update={"logprobs": self._logprobs})
