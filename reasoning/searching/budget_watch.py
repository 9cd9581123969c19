"""Tells whether a budget refused a call, which says nothing of what asked for it: there was no more to pay with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engines import (
    STREAMED,
    BudgetExhausted,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Sampling,
)


class BudgetWatch(EngineWrapper):
    """Passes all calls on.

    Attributes:
        refused: Whether a budget had no room for one of them.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self.refused = False

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        try:
            async with self.inner.stream(context, sampling, delivery) as chunks:
                yield chunks
        except BudgetExhausted:
            self.refused = True
            raise
