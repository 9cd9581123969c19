"""The engine as one row has it: what became of the row's calls, which what its method says of them may not tell."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from engines import (
    STREAMED,
    BudgetExhausted,
    CallTimedOut,
    Chunk,
    Context,
    Delivery,
    EngineDead,
    EngineUnavailable,
    EngineWrapper,
    ForkjoinError,
    RequestRejected,
    Sampling,
)


class RowEngine(EngineWrapper):
    """One row's engine, which remembers how calls went: a method that loses all its branches tells it in words only.

    Attributes:
        answered: Whether one was answered, if only by a refusal.
        silent: That nobody answered one, in whatever time; None where none was so.
        out_of: What of the budget was too little for one, which was refused or cut; empty where there was enough.
        may_pass: Whether one failed for a reason that may pass.
        dead: That the engine is gone; None if it is not.
    """

    answered = False
    silent: EngineUnavailable | None = None
    out_of = ""
    may_pass = False
    dead: EngineDead | None = None

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(self._heard(chunks)) as heard,
            ):
                yield heard
            self.answered = True
        except EngineDead as error:
            self.dead = error
            raise
        except ForkjoinError as error:
            self.answered |= isinstance(error, RequestRejected)
            # What took too long was asked of somebody who is there.
            if isinstance(error, EngineUnavailable) and not isinstance(error, CallTimedOut):
                self.silent = error
            if isinstance(error, BudgetExhausted):
                self.out_of = error.what
            self.may_pass |= error.retryable or bool(self.out_of)
            raise

    async def _heard(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            self.out_of = chunk.limited_by or self.out_of
            yield chunk
