"""The engine as one row has it: what became of the row's calls, which what its method says of them may not tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
        out_of: What of the budget too little was left of for one; empty where there was enough.
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
            async with self.inner.stream(context, sampling, delivery) as chunks:
                yield chunks
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
