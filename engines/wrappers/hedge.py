"""An engine that starts a call a second time where its peers would long have ended.

The idea is that of Sequential Gradient Coding (repeat what straggles, and only that). Both tries are the same
request with the same seed, so the result does not depend on who is first.
"""

from __future__ import annotations

import contextvars
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import anyio

from ..completion import Chunk, alone, merged
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..error_groups import single_error
from ..errors import ForkjoinError
from ..notice import Notice, Notify, ignore
from ..sampling import Sampling
from ..wrapper import EngineWrapper
from .peers import PeerCall, Peers


class HedgeEngine(EngineWrapper):
    """Runs late calls twice: the first good answer counts, the other try is aborted.

    An error of one try waits for the other, and so does an answer that a budget cut. Only calls that are read whole
    are run twice; of others, parts have been passed on.

    Args:
        inner: The engine. Where it is several replicas, it should send the second try to another one.
        peers: What a call is compared with; shared by whatever runs on the same engine.
        notify: Hears of every second try.
        second_slot: What a second try has to enter before it begins, such as a slot of the limiter around this engine.
            It waits there no longer than the first try takes.
    """

    def __init__(
        self,
        inner: Engine,
        peers: Peers | None = None,
        notify: Notify = ignore,
        second_slot: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        super().__init__(inner)
        self._peers = peers or Peers()
        self._notify = notify
        self._second_slot = second_slot

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream; entering one that is read whole waits for its end."""
        if delivery.whole:
            return self._whole(context, sampling, delivery)
        return self.inner.stream(context, sampling, delivery)

    @asynccontextmanager
    async def _whole(
        self, context: Context, sampling: Sampling, delivery: Delivery
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        race = _Race(partial(self._answer, context, sampling, delivery))
        now, kind = anyio.current_time(), _kind(sampling, delivery)
        call = self._peers.enter(kind, now, race.set_alarm)
        try:
            chunk = await race.run(
                partial(self._is_late, call), partial(self._second, call, context.path)
            )
        finally:
            self._peers.leave(call, anyio.current_time(), finished=race.is_won)
        async with aclosing(alone(chunk)) as passing:
            yield passing

    async def _answer(self, context: Context, sampling: Sampling, delivery: Delivery) -> Chunk:
        async with self.inner.stream(context, sampling, delivery) as chunks:
            return await merged(chunks)

    def _is_late(self, call: PeerCall) -> bool:
        return self._peers.take_second(call, anyio.current_time())

    @asynccontextmanager
    async def _second(self, call: PeerCall, path: str) -> AsyncIterator[None]:
        """What a second try runs in: its slot."""
        async with self._second_slot():
            self._peers.begin_second(call)
            took, usual = anyio.current_time() - call.started, self._peers.quantile(call.kind)
            reason = f"no answer after {took:.3g} s; its peers took up to {usual:.3g} s"
            self._notify(Notice(kind="hedged", path=path, reason=reason))
            yield


class _SecondTry(NamedTuple):
    """What the second try of a call needs: the context that the first one runs in, and when and in what it begins."""

    variables: contextvars.Context
    is_late: Callable[[], bool]
    inside: Callable[[], AbstractAsyncContextManager[object]]


class _Race:
    """The tries of one call: the first at once, the second when the alarm has rung and the call is late."""

    def __init__(self, attempt: Callable[[], Awaitable[Chunk]]) -> None:
        self._attempt = attempt
        self._group = anyio.create_task_group()
        self._alarm = anyio.CancelScope()
        self._alarm_at = math.inf
        # Whether there is a task that waits for the alarm or a slot, or runs the second try.
        self._has_second = False
        # None where no second try can begin: before the first, and when it has ended.
        self._second: _SecondTry | None = None
        self._running = 0
        self._chunk: Chunk | None = None
        self._errors: dict[str, ForkjoinError] = {}

    @property
    def is_won(self) -> bool:
        """Whether there is an answer that ended by itself."""
        return self._chunk is not None and self._chunk.limited_by is None

    async def run(
        self,
        is_late: Callable[[], bool],
        inside: Callable[[], AbstractAsyncContextManager[object]],
    ) -> Chunk:
        """The answer; where there is none, the error of the first try, which the caller would have met alone."""
        with single_error():
            async with self._group:
                self._second = _SecondTry(contextvars.copy_context(), is_late, inside)
                self.set_alarm(self._alarm_at)
                try:
                    await self._try("first")
                finally:
                    self._second = None
        if self._chunk is not None:
            return self._chunk
        raise self._errors["first"]

    def set_alarm(self, at: float) -> None:
        """Moves the alarm. A task waits for it once there is a time: most calls end without, and tasks cost most."""
        self._alarm_at = self._alarm.deadline = at
        second = self._second
        if at < math.inf and second is not None and not self._has_second:
            self._has_second = True
            # Whoever moves the alarm may be of another run; the try is of this one.
            second.variables.run(self._group.start_soon, self._try_again, second)

    async def _try_again(self, second: _SecondTry) -> None:
        while True:
            with anyio.CancelScope(deadline=self._alarm_at) as self._alarm:
                await anyio.sleep_forever()
            if second.is_late():
                break
        async with second.inside():
            await self._try("second")

    async def _try(self, name: str) -> None:
        """Runs a try. Whoever wins, or is the last to end, ends the race."""
        self._running += 1
        try:
            chunk = await self._attempt()
        except ForkjoinError as error:
            self._errors[name] = error
        else:
            if self._chunk is None or chunk.limited_by is None:
                self._chunk = chunk
        self._running -= 1
        if self._has_second and (self.is_won or not self._running):
            self._group.cancel_scope.cancel()


def _kind(sampling: Sampling, delivery: Delivery) -> Hashable:
    """What makes calls peers: how long they may become, what may end them earlier, who writes, how they are queued.

    The length counts in powers of two, so that calls which a budget clamps differently stay peers.
    """
    length = (delivery.expected_tokens or sampling.max_tokens).bit_length()
    constraint = sampling.constraint and sampling.constraint.kind
    workers = sampling.collaboration and len(sampling.collaboration.workers)
    return length, bool(sampling.stop), constraint, workers, delivery.priority
