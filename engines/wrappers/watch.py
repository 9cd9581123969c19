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
from .parts import COARSE_INTERVAL, as_asked, in_parts


class WatchedEngine(EngineWrapper):
    """Tells new tokens, and their text, as they come.

    Inside what repeats calls it tells the tokens of every try, and a call that it shows in parts is still whole outside
    of it. Around that it tells what the caller gets, and nothing is repeated once it has told something.

    Args:
        inner: The engine.
        saw: Gets the path of a call's context, how many tokens are new, and their text.
        interval: Tokens in a part of a call that its caller reads whole, where the engine can choose.
    """

    def __init__(
        self,
        inner: Engine,
        saw: Callable[[str, int, str], None],
        *,
        interval: int = COARSE_INTERVAL,
    ) -> None:
        super().__init__(inner)
        self._saw = saw
        self._interval = interval

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        async with (
            self.inner.stream(context, sampling, in_parts(delivery, self._interval)) as chunks,
            aclosing(as_asked(self._watched(context.path, chunks), delivery)) as passing,
        ):
            yield passing

    async def _watched(self, path: str, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        known = 0
        async for chunk in chunks:
            generated = chunk.usage.generated_tokens
            self._saw(path, generated - known, chunk.text)
            known = generated
            yield chunk
