"""An engine whose calls' texts somebody hears, each when it is complete, and why calls failed. It does not know who."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineError, EngineWrapper, Sampling


class OverheardEngine(EngineWrapper):
    """Tells what each call said that came to its end.

    Args:
        inner: The engine.
        heard: Gets the path of a call's context, how it was sampled, and its text.
        failed: Gets the path of a call that the engine failed, and why.
    """

    def __init__(
        self,
        inner: Engine,
        heard: Callable[[str, Sampling, str], None],
        failed: Callable[[str, EngineError], None],
    ) -> None:
        super().__init__(inner)
        self._heard = heard
        self._failed = failed

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(self._passing(context, sampling, chunks)) as passing,
            ):
                yield passing
        except EngineError as error:
            self._failed(context.path, error)
            raise

    async def _passing(
        self, context: Context, sampling: Sampling, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk]:
        texts: list[str] = []
        async for chunk in chunks:
            texts.append(chunk.text)
            # Who has the last chunk may ask for no more.
            if chunk.finish_reason is not None:
                self._heard(context.path, sampling, "".join(texts))
            yield chunk
