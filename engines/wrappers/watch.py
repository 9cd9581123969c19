"""An engine that tells how far its calls are, also while their callers read them whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper
from .parts import as_asked, in_parts


class WatchedEngine(EngineWrapper):
    """Tells new tokens as they come.

    It belongs inside what repeats calls, since a call that it shows in parts is still whole outside of it. The
    tokens of every try are told.

    Args:
        inner: The engine.
        saw: Gets the path of a call's context and how many tokens are new.
    """

    def __init__(self, inner: Engine, saw: Callable[[str, int], None]) -> None:
        super().__init__(inner)
        self._saw = saw

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        async with (
            self.inner.stream(context, sampling, in_parts(delivery)) as chunks,
            aclosing(as_asked(self._watched(context.path, chunks), delivery)) as passing,
        ):
            yield passing

    async def _watched(self, path: str, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        known = 0
        async for chunk in chunks:
            generated = chunk.usage.generated_tokens
            self._saw(path, generated - known)
            known = generated
            yield chunk
