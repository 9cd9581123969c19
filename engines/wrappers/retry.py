"""An engine that repeats calls which failed for a reason that may pass. It does not know what went wrong."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import anyio

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..errors import ForkjoinError, UsageError
from ..notice import Notice, Notify, ignore
from ..sampling import Sampling
from ..wrapper import EngineWrapper

# More doublings leave every longest delay behind, and the range of floats.
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often to try, and how long to wait between tries.

    Attributes:
        attempts: How often a call is tried in all.
        first_delay: The longest wait before the second try, in seconds; it doubles with each further try.
        longest_delay: Where the doubling ends.
        longest_wait: The longest wait that an engine may ask for; where it asks for more, the call fails.

    Raises:
        UsageError: There is no first try.
    """

    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 60
    longest_wait: float = 300

    def __post_init__(self) -> None:
        """Refuses to try nothing."""
        if self.attempts < 1:
            raise UsageError(f"{self.attempts} attempts make no call: give at least 1")


def delay_before_retry(
    policy: RetryPolicy, failed: int, error: ForkjoinError, random: Random
) -> float | None:
    """Seconds to wait after the attempt number `failed` (from 1) ended with `error`; None where that was final.

    The wait is drawn from the whole range between nothing and the delay (full jitter), so that calls which failed
    together do not come back together. What an engine asks for comes on top: none of them is early.
    """
    if failed >= policy.attempts or not error.retryable:
        return None
    asked = error.retry_after or 0
    if asked > policy.longest_wait:
        return None
    longest = policy.first_delay * 2 ** min(failed - 1, _MOST_DOUBLINGS)
    return asked + random.uniform(0, min(longest, policy.longest_delay))


class RetryEngine(EngineWrapper):
    """Repeats calls that failed with a retryable error, as long as nothing of them has been passed on.

    So a call that is read whole can be repeated wherever it broke off, a streamed one until its first chunk.
    Entering a stream waits for its first chunk.

    Args:
        inner: The engine.
        policy: How often, and how long to wait.
        notify: Hears of every repetition.
        random: Where the waits are drawn from.
    """

    def __init__(
        self,
        inner: Engine,
        policy: RetryPolicy | None = None,
        notify: Notify = ignore,
        random: Random | None = None,
    ) -> None:
        super().__init__(inner)
        self._policy = policy or RetryPolicy()
        self._notify = notify
        self._random = random or Random()

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream, once one has begun."""
        begun = await self._begin(context, sampling, delivery)
        async with begun.stream, aclosing(begun.chunks()) as chunks:
            yield chunks

    async def _begin(self, context: Context, sampling: Sampling, delivery: Delivery) -> _Begun:
        attempt = 0
        while True:
            attempt += 1
            try:
                async with AsyncExitStack() as stack:
                    chunks = await stack.enter_async_context(
                        self.inner.stream(context, sampling, delivery)
                    )
                    first = await anext(chunks, None)
                    return _Begun(first, chunks, stack.pop_all())
            except ForkjoinError as error:
                delay = delay_before_retry(self._policy, attempt, error, self._random)
                if delay is None:
                    raise
                reason = f"attempt {attempt} of {self._policy.attempts}: {error}"
                self._notify(Notice(kind="retried", path=context.path, reason=reason))
            await anyio.sleep(delay)


class _Begun(NamedTuple):
    """A stream that is open and has given its first chunk; None where it ended without one."""

    first: Chunk | None
    rest: AsyncIterator[Chunk]
    stream: AsyncExitStack

    async def chunks(self) -> AsyncGenerator[Chunk]:
        if self.first is not None:
            yield self.first
        async for chunk in self.rest:
            yield chunk
