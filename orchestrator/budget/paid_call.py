"""A call that a budget pays for: it is cut when time is over, and what it has cost is committed at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

import anyio

from engines import Chunk, EngineError, Notice, Notify, Usage

from .account import Account
from .purse import Purse
from .waiting_line import Grant


class Receipt:
    """What has come of a call so far; settled once, before its last chunk is passed on or when it is left.

    Before: whoever has the answer may keep it, and what it has cost must not be lost where the process dies then.

    Args:
        settle: Gets what the call has cost.

    Attributes:
        failed: Whether the engine could not do it.
        ended: Whether it came to its end.
    """

    def __init__(self, settle: Callable[[Usage], None]) -> None:
        self.failed = False
        self.ended = False
        self.last: Chunk | None = None
        self._settle = settle
        self._settled = False

    def add(self, chunk: Chunk) -> None:
        """Takes a chunk."""
        self.last = chunk
        self.ended = chunk.finish_reason is not None
        if self.ended:
            self.settle()

    def settle(self) -> None:
        """Settles what is known; a second time does nothing."""
        if not self._settled:
            self._settled = True
            self._settle(self.usage)

    async def passing(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        """The chunks, each taken when it comes."""
        async for chunk in chunks:
            self.add(chunk)
            yield chunk

    @property
    def usage(self) -> Usage:
        """What was received. A call that was cut has cost at least that, and one that failed at once nothing."""
        usage = Usage() if self.last is None else self.last.usage
        if self.ended or (self.failed and not usage.generated_tokens):
            return usage
        return usage.model_copy(update={"lower_bound": True})


class PaidCall:
    """One call, made once.

    Args:
        stream: The call. Where tokens, time or money are limited, a streamed one: it leaves something when it is cut.
        purse: Where it is committed.
        grant: What it may spend.
        path: The path of its context.
        notify: Told that it is cut.
    """

    def __init__(
        self,
        stream: AbstractAsyncContextManager[AsyncIterator[Chunk]],
        purse: Purse,
        grant: Grant,
        path: str,
        notify: Notify,
    ) -> None:
        self._stream = stream
        self._purse = purse
        self._grant = grant
        self._path = path
        self._notify = notify
        self._receipt = Receipt(partial(purse.commit, grant.reservation))

    async def run(self, pass_on: Callable[[Chunk], object]) -> None:
        """Makes the call; raises what the engine raises.

        Raises:
            BudgetExhausted: Time was over before it said anything.
        """
        account = self._grant.reservation.account
        try:
            with anyio.move_on_after(self._purse.seconds_left(account)) as scope:
                async with self._stream as chunks:
                    async for chunk in chunks:
                        self._receipt.add(chunk)
                        pass_on(self._marked(chunk))
            if scope.cancelled_caught and not self._receipt.ended:
                pass_on(self._end(account))
        except EngineError:
            self._receipt.failed = True
            raise
        finally:
            self._receipt.settle()

    def _marked(self, chunk: Chunk) -> Chunk:
        if self._grant.clamped_by is None or chunk.finish_reason != "length":
            return chunk
        return replace(chunk, limited_by=self._grant.clamped_by)

    def _end(self, account: Account) -> Chunk:
        usage = self._receipt.usage
        if not usage.generated_tokens:
            raise self._purse.over(account, self._path)
        reason = f"after {usage.generated_tokens} tokens: the budget has no more seconds"
        self._notify(Notice(kind="cut", path=self._path, reason=reason))
        return Chunk(
            text="", token_ids=(), usage=usage, finish_reason="length", limited_by="seconds"
        )
