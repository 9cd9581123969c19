"""An engine whose calls are paid out of a budget.

    count the prompt ─> reserve: wait, or be clamped ─> call, cut when time is over ─> commit what it has cost

It stands inside of retries and hedges, so that each try is paid for by itself.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineError,
    EngineWrapper,
    Notice,
    Notify,
    Sampling,
)
from engines.completion import as_whole
from engines.notice import ignore
from engines.wrappers.parts import in_parts

from .account import Account
from .paid_call import PaidCall, Receipt
from .purse import Purse
from .relay import relayed

# Characters of a token, at least on average: for the prompts of engines that do not say what their tokens are.
_CHARACTERS = 3


class BudgetEngine(EngineWrapper):
    """The engine as one account of a run's budget has it.

    What is put in for the workers of a collaboration while they write, such as their steps' headers, nobody knows
    before: it is booked, and may go beyond a limit on tokens or money by that much. What they generate may not.

    Under a limit, a call that is read whole runs while its stream is entered, and another one runs on by itself
    while it is read, so that no reader keeps what is reserved.

    Args:
        inner: What calls go to.
        purse: The run's budget.
        account: Who pays.
        notify: Told of calls that are clamped or cut.
    """

    def __init__(
        self, inner: Engine, purse: Purse, account: Account, notify: Notify = ignore
    ) -> None:
        super().__init__(inner)
        self._purse = purse
        self._account = account
        self._notify = notify

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream, with fewer tokens where the budget has fewer, and cut when time is over.

        Raises:
            BudgetExhausted: The budget has nothing left for it, or time was over before it said anything.
        """
        if not self._account.limited:
            return self._counted(context, sampling, delivery)
        return self._paid(context, sampling, delivery)

    @asynccontextmanager
    async def _counted(
        self, context: Context, sampling: Sampling, delivery: Delivery
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        receipt = Receipt(partial(self._purse.book, self._account))
        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(receipt.passing(chunks)) as passing,
            ):
                yield passing
        except EngineError:
            receipt.failed = True
            raise
        finally:
            receipt.settle()

    @asynccontextmanager
    async def _paid(
        self, context: Context, sampling: Sampling, delivery: Delivery
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        call = await self._begin(context, sampling, delivery)
        if delivery.whole:
            parts: list[Chunk] = []
            await call.run(parts.append)
            async with aclosing(as_whole(_each(parts))) as passing:
                yield passing
        else:
            async with relayed(call.run) as passing:
                yield passing

    async def _begin(self, context: Context, sampling: Sampling, delivery: Delivery) -> PaidCall:
        path, prompt, window = context.path, _length(context), self.capabilities.window
        wanted = sampling.max_tokens
        if window is not None:
            wanted = min(wanted, max(window - prompt, 1))
        grant = await self._purse.reserve(self._account, path, prompt=prompt, tokens=wanted)
        if grant.clamped_by is not None:
            sampling = sampling.model_copy(update={"max_tokens": grant.tokens})
            reason = f"{grant.tokens} of {wanted} tokens: the budget has no more {grant.clamped_by}"
            self._notify(Notice(kind="clamped", path=path, reason=reason))
        if self._account.metered:
            # Of a call that is delivered whole and cut, nobody would know what it has cost.
            delivery = in_parts(delivery)
        stream = self.inner.stream(context, sampling, delivery)
        return PaidCall(stream, self._purse, grant, path, self._notify)


def _length(context: Context) -> int:
    """The tokens of a prompt, estimated where there are no ids."""
    if context.has_token_ids:
        return sum(len(node.segment.token_ids or ()) for node in context.lineage)
    return math.ceil(sum(len(node.segment.text) for node in context.lineage) / _CHARACTERS)


async def _each(parts: Sequence[Chunk]) -> AsyncGenerator[Chunk]:
    for part in parts:
        yield part
