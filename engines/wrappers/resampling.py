"""The base of engines that change how every call is sampled, and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..sampling import Sampling
from ..wrapper import EngineWrapper


class ResamplingEngine(EngineWrapper):
    """Asks the inner engine with another sampling, also for what a journal holds."""

    @abstractmethod
    def resampled(self, sampling: Sampling) -> Sampling:
        """How the inner engine is to sample, where the caller asks for this."""

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(context, self.resampled(sampling), delivery)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the inner engine has of it."""
        return await self.inner.unfinished(context, self.resampled(sampling))
