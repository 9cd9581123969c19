"""An engine that notes that it failed: searches and planners go on without what a call would have said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engines import (
    STREAMED,
    Chunk,
    Context,
    ContextTooLong,
    Delivery,
    Engine,
    EngineError,
    Sampling,
)
from engines.wrapper import EngineWrapper


class FailureNoted(EngineWrapper):
    """Passes on what fails, and notes it. That a model said more than its window holds is no failure of its engine.

    Args:
        inner: The engine.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self._failure: EngineError | None = None

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        try:
            async with self.inner.stream(context, sampling, delivery) as chunks:
                yield chunks
        except ContextTooLong:
            raise
        except EngineError as error:
            self._failure = self._failure or error
            raise

    def check(self) -> None:
        """Says that what was made of it is no figure.

        Raises:
            EngineError: The first one of its calls.
        """
        if self._failure is not None:
            raise self._failure
