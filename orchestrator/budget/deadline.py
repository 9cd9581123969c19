"""An engine whose calls do not wait beyond the end of the time.

They may wait for a slot, for another try, or for an engine that asks to be left alone. What runs when time is over is
cut by `BudgetEngine`, which keeps what was received.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineWrapper, Sampling

from .account import Account
from .purse import Purse

# So long the engine may take to end what runs, before it is given up.
_GRACE_SECONDS = 1.0


class DeadlineEngine(EngineWrapper):
    """Ends calls that have not begun when the time of an account is over.

    Args:
        inner: Whatever calls wait for.
        purse: The run's budget.
        account: Who pays.
    """

    def __init__(self, inner: Engine, purse: Purse, account: Account) -> None:
        super().__init__(inner)
        self._purse = purse
        self._account = account

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream, if it begins in time.

        Raises:
            BudgetExhausted: It does not.
        """
        end = anyio.current_time() + self._purse.seconds_left(self._account) + _GRACE_SECONDS
        with anyio.CancelScope(deadline=end) as scope:
            async with self.inner.stream(context, sampling, delivery) as chunks:
                scope.deadline = math.inf
                yield chunks
        if scope.cancelled_caught:
            raise self._purse.over(self._account, context.path)
