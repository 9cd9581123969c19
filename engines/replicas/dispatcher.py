"""Sends calls to replicas and on to others: what whole and streamed calls have in common.

It asks the fleet where a call goes, tells it what happens there, and watches for replicas that fall silent. How an
answer is read is not its affair.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio
import anyio.lowlevel

from ..completion import Chunk
from ..context import Context, Segment
from ..delivery import Delivery
from ..engine import Engine
from ..errors import CallTimedOut, EngineError, EngineOverloaded, EngineUnavailable
from ..notice import Notice, Notify
from ..sampling import Sampling
from .expected_length import ExpectedLength
from .fleet import Booking, Fleet


@dataclass(slots=True, eq=False, kw_only=True)
class PooledCall:
    """A call on its way through the pool.

    Attributes:
        context: What to generate after.
        sampling: How to sample.
        delivery: How it is to be served.
        expected_tokens: How many tokens it will probably generate.
        said: The replicas that it was sent to, with what they said; empty where they said nothing.
        cut: Whether a try was given up that may have cost tokens.
    """

    context: Context
    sampling: Sampling
    delivery: Delivery
    expected_tokens: int = 1
    said: dict[int, str] = field(default_factory=dict)
    cut: bool = False

    def extended(self, text: str, token_ids: Sequence[int]) -> Context:
        """Its context with what was generated."""
        ids = tuple(token_ids) if self.context.has_token_ids else None
        return self.context.extend(Segment("assistant", text, ids))

    def marked(self, chunk: Chunk) -> Chunk:
        """A chunk of its answer, which says so where other replicas may have worked for it too."""
        if not self.cut:
            return chunk
        return replace(chunk, usage=chunk.usage.model_copy(update={"lower_bound": True}))


@dataclass(slots=True, eq=False)
class _Arrival:
    call: PooledCall
    left: bool = False
    booking: Booking | None = None


class Dispatcher:
    """Sends calls to the engines of a pool.

    Args:
        engines: The replicas.
        fleet: Chooses among them.
        notify: Is told of calls that move.

    Attributes:
        closed: Whether the pool is closed, so that failures are no news.
    """

    def __init__(self, engines: Sequence[Engine], fleet: Fleet, notify: Notify) -> None:
        self.engines = engines
        self.fleet = fleet
        self.closed = False
        self._notify = notify
        self._lengths = ExpectedLength()
        self._arrivals: list[tuple[int, int, _Arrival]] = []
        self._numbers = itertools.count()
        # For each replica the scopes in which calls wait for it to have been silent for too long.
        self._watches: list[set[anyio.CancelScope]] = [set() for _ in engines]

    async def first(self, call: PooledCall) -> Booking:
        """Sends a new call to a replica.

        Calls that come at the same moment, as the branches of a fork do, are placed together and the longest first,
        so that the long ones are spread and the short ones fill the gaps (Zeppelin's idea).

        Raises:
            EngineUnavailable: No replica takes calls.
        """
        call.expected_tokens = call.delivery.expected_tokens or self._lengths.expect(
            call.sampling.max_tokens
        )
        arrival = _Arrival(call)
        heapq.heappush(self._arrivals, (-call.expected_tokens, next(self._numbers), arrival))
        try:
            await anyio.lowlevel.checkpoint()
        except BaseException:
            arrival.left = True
            if arrival.booking is not None:
                self.fleet.end(arrival.booking)
            raise
        while self._arrivals:
            waiting = heapq.heappop(self._arrivals)[-1]
            if not waiting.left:
                waiting.booking = self._book(waiting.call)
        if arrival.booking is None:
            raise self.refusal(call)
        return arrival.booking

    def next(self, call: PooledCall, booking: Booking) -> Booking | None:
        """Sends a call to another replica than those that it was sent to; None where none takes it."""
        following = self._book(call)
        if following is not None:
            reason = f"from replica {booking.replica} to {following.replica}: {call.said[booking.replica]}"
            self._notify(Notice(kind="failed-over", path=call.context.path, reason=reason))
        return following

    def failed(self, call: PooledCall, booking: Booking, error: EngineError) -> bool:
        """Notes that a call failed; returns whether to go on with it elsewhere."""
        if self.closed or not self.fleet.failed(booking, error, anyio.current_time()):
            return False
        call.said[booking.replica] = str(error)
        call.cut |= not isinstance(error, EngineOverloaded)
        return True

    def answered(self, call: PooledCall, booking: Booking, answer: Chunk, seconds: float) -> None:
        """Notes that a call was answered to its end, for which the replica took so long."""
        self._lengths.note(call.sampling.max_tokens, answer.usage.generated_tokens)
        context = call.extended(answer.text, answer.token_ids)
        self.fleet.finished(booking, context, answer.usage, seconds, anyio.current_time())

    def refusal(self, call: PooledCall) -> EngineUnavailable:
        """Why a call can go nowhere."""
        return self.fleet.refusal(call.said, anyio.current_time())

    async def watch(
        self, newest: Callable[[], Booking | None], move: Callable[[Booking], object]
    ) -> None:
        """Moves a call, again and again, that waits on a replica that has fallen silent.

        Args:
            newest: The try to watch; None where there is none any more.
            move: Goes on with the call elsewhere, if it can.
        """
        now = anyio.current_time()
        while (booking := newest()) is not None:
            found_out = await self._wait(booking.replica, self.fleet.looks_at(booking, now))
            now = anyio.current_time()
            if newest() is booking and (found_out or self.fleet.has_stalled(booking, now)):
                move(booking)

    def move(self, call: PooledCall, booking: Booking) -> Booking | None:
        """Sends a call on whose replica has fallen silent; None where no other replica takes it."""
        now = anyio.current_time()
        silence = self.fleet.silence(booking, now)
        error = CallTimedOut(f"it sent nothing for {silence:.3g} s")
        call.said[booking.replica] = str(error)
        following = self.next(call, booking)
        if following is not None:
            call.cut = True
            if self.fleet.blame(booking, error, now):
                # Its other calls need not find out for themselves.
                for scope in self._watches[booking.replica]:
                    scope.cancel()
        return following

    def _book(self, call: PooledCall) -> Booking | None:
        booking = self.fleet.book(
            call.context,
            call.expected_tokens,
            anyio.current_time(),
            whole=call.delivery.whole,
            tried=call.said,
        )
        if booking is not None:
            call.said[booking.replica] = ""
        return booking

    async def _wait(self, replica: int, until: float) -> bool:
        """Sleeps until a time; returns whether the replica was found to be silent before."""
        with anyio.CancelScope(deadline=until) as scope:
            self._watches[replica].add(scope)
            try:
                await anyio.sleep_forever()
            finally:
                self._watches[replica].discard(scope)
        return anyio.current_time() < until
