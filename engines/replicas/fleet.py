"""Which replica gets a call, and what its answer or its failure says about the replica. Pure: times are arguments.

    book ──> Booking ──> heard* ──> finished | failed | blame ──> end

It puts together the router, the breakers and the comparisons with peers; it holds no engine and runs no call.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..completion import Usage
from ..context import Context
from ..errors import EngineDead, EngineError, EngineOverloaded, EngineUnavailable, NotAnEngine
from .pace import Pace
from .patience import Patience
from .replica import HealthPolicy, Replica, ReplicaStatus
from .router import Placement, Router, RoutingPolicy


@dataclass(slots=True, eq=False, kw_only=True)
class Booking:
    """One try of a call on one replica.

    Attributes:
        placement: What the router decided.
        digest: What its context is known by.
        length: How many tokens its answer is expected to have; 1 where only the first part is timed.
        began: When it was sent.
        probe: Whether it finds out whether the replica works again.
        pace_probe: Whether it finds out whether the replica is fast again.
    """

    placement: Placement
    digest: bytes
    length: int
    began: float
    probe: bool
    pace_probe: bool

    @property
    def replica(self) -> int:
        """The number of the replica."""
        return self.placement.replica


class Fleet:
    """Keeps count of numbered replicas and chooses among them.

    Args:
        replicas: How many there are.
        stall_seconds: How long a replica may be silent in any case before its calls count as stalled.
        routing: How much a cached prefix counts against load.
        health: When a replica gets no calls.
    """

    def __init__(
        self,
        replicas: int,
        *,
        stall_seconds: float,
        routing: RoutingPolicy,
        health: HealthPolicy,
    ) -> None:
        self.stall_seconds = stall_seconds
        self._busy_seconds = health.busy_seconds
        self._replicas = [Replica(number, health) for number in range(replicas)]
        self._router = Router(replicas, routing)
        self._patience = Patience(replicas, stall_seconds)
        # The replicas that work on a context, by its digest.
        self._at_work: defaultdict[bytes, list[int]] = defaultdict(list)
        self._pace = Pace(replicas, factor=health.slow_factor, calls=health.slow_calls)

    def book(
        self,
        context: Context,
        expected_tokens: int,
        now: float,
        *,
        whole: bool = True,
        tried: Collection[int] = (),
    ) -> Booking | None:
        """Sends a call to a replica that it has not tried; None where none takes calls.

        A second call with the same context, which is a hedge, goes to another replica than the first if it can.
        """
        candidates = self._candidates(now, tried)
        if not candidates:
            return None
        at_work = self._at_work[context.digest]
        others = [number for number in candidates if number not in at_work]
        placement = self._router.place(context, expected_tokens, others or candidates)
        at_work.append(placement.replica)
        replica = self._replicas[placement.replica]
        replica.in_flight += 1
        return Booking(
            placement=placement,
            digest=context.digest,
            length=expected_tokens if whole else 1,
            began=now,
            probe=replica.breaker.begin(now),
            pace_probe=replica.pace.begin(now),
        )

    def heard(self, booking: Booking, now: float, *, first: bool = False) -> None:
        """The replica sent a part of the answer, the first one or a later one."""
        replica = self._replicas[booking.replica]
        replica.heard = now
        if first:
            self._patience.note(booking.replica, booking.length, now - booking.began)
            self._works(booking)

    def finished(
        self, booking: Booking, context: Context, usage: Usage, seconds: float, now: float
    ) -> None:
        """The call was answered to its end.

        Args:
            booking: The call on its replica.
            context: Its context, extended by what was generated.
            usage: What it cost.
            seconds: How long the replica took.
            now: The time.
        """
        number = booking.replica
        self._router.remember(number, context)
        self._replicas[number].count(usage)
        self._judge_pace(booking, usage.generated_tokens, seconds, now)

    def failed(self, booking: Booking, error: EngineError, now: float) -> bool:
        """The call failed; returns whether another replica may do better."""
        replica = self._replicas[booking.replica]
        if isinstance(error, EngineOverloaded):
            wait = self._busy_seconds if error.retry_after is None else error.retry_after
            replica.busy_until = max(replica.busy_until, now + wait)
            replica.said = str(error)
        elif is_of_the_replica(error):
            self.blame(booking, error, now)
            return True
        # It answered, if only to refuse.
        replica.heard = now
        self._works(booking)
        return isinstance(error, EngineOverloaded)

    def blame(self, booking: Booking, error: EngineError, now: float) -> bool:
        """The replica failed the call or let it wait too long; returns whether it is taken out for that."""
        probe, booking.probe = booking.probe, False
        return self.note_failure(booking.replica, error, now, probe=probe)

    def note_failure(
        self, number: int, error: EngineError, now: float, *, probe: bool = False
    ) -> bool:
        """Something failed on a replica; returns whether it is taken out for that."""
        replica = self._replicas[number]
        replica.failed += 1
        replica.said = str(error)
        opened = replica.breaker.fail(now, probe=probe, fatal=isinstance(error, EngineDead))
        if opened:
            self._router.forget(number)
        return opened

    def looks_at(self, booking: Booking, now: float) -> float:
        """When to look next whether the call has waited too long."""
        least = booking.began + self.stall_seconds
        if now < least and not booking.probe:
            return least
        stalls_at = self._stalls_at(booking)
        # Where it is not clear how long to wait, or nobody else takes the call, it is looked at again later.
        return stalls_at if now < stalls_at < math.inf else now + self.stall_seconds

    def has_stalled(self, booking: Booking, now: float) -> bool:
        """Whether the call has waited too long and it is the replica that is to blame.

        Where all are at work and all are silent, the work takes long. Where one is idle, to ask it costs little.
        """
        if now < self._stalls_at(booking):
            return False
        fell_silent = self._heard(booking)
        others = [r for r in self._replicas if r.number != booking.replica]
        return any(
            other.heard > fell_silent or (other.takes_calls(now) and not other.in_flight)
            for other in others
        )

    def silence(self, booking: Booking, now: float) -> float:
        """How long the call has waited since its replica last sent anything, in seconds."""
        return now - self._heard(booking)

    def end(self, booking: Booking) -> None:
        """The call has left its replica, in whatever way. To be called once for each booking."""
        replica = self._replicas[booking.replica]
        replica.in_flight -= 1
        replica.breaker.abandon(probe=booking.probe)
        replica.pace.abandon(probe=booking.pace_probe)
        self._router.release(booking.placement)
        at_work = self._at_work[booking.digest]
        at_work.remove(booking.replica)
        if not at_work:
            del self._at_work[booking.digest]

    def set_drained(self, number: int, drained: bool) -> None:
        """Whether a replica gets no more calls; those that it has go on."""
        self._replicas[number].drained = drained

    def in_turn(self, first: int, now: float) -> list[int]:
        """The replicas for questions that are no calls, round from one of them, those that are well first."""
        count = len(self._replicas)
        turn = [self._replicas[(first + offset) % count] for offset in range(count)]
        turn.sort(key=lambda replica: not (replica.is_well and replica.takes_calls(now)))
        return [replica.number for replica in turn if not replica.drained]

    def is_up(self, number: int) -> bool:
        """Whether a replica answers, as far as is known."""
        return self._replicas[number].breaker.state == "closed"

    def refusal(self, said: Mapping[int, str], now: float) -> EngineUnavailable:
        """Why a call can go nowhere: what each replica said, to this call or last."""
        reasons = "; ".join(
            f"replica {r.number}: {said.get(r.number) or r.reason(now)}" for r in self._replicas
        )
        # What has failed this call only, and may take another at once, says nothing about when.
        waits = [wait for r in self._replicas if not r.drained and (wait := r.wait(now))]
        retry_after = min(waits, default=None)
        if any(replica.state(now) == "busy" for replica in self._replicas):
            return EngineOverloaded(f"no replica takes more calls now: {reasons}", retry_after)
        refusal = EngineUnavailable(f"no replica answers: {reasons}")
        refusal.retry_after = retry_after
        return refusal

    def statuses(self, now: float) -> tuple[ReplicaStatus, ...]:
        """What each replica does."""
        return tuple(
            replica.status(now, load, self._pace.seconds_per_token(replica.number))
            for replica, load in zip(self._replicas, self._router.loads, strict=True)
        )

    def _candidates(self, now: float, tried: Collection[int]) -> list[int]:
        """The best of those that a call has not tried.

        What waits for its probe comes first, since nothing else tells that it works again; a call that had to be
        moved is no probe if that can be helped. The slow are better than none, and so is what is being probed.
        """
        free = [r for r in self._replicas if r.number not in tried and r.is_free(now)]
        fit = [r for r in free if r.takes_calls(now)]
        due = [r for r in fit if r.wants_probe(now)]
        well = [r for r in fit if r.is_well]
        probed = [r for r in free if r.breaker.state == "half-open"]
        best = (well or due if tried else due or well) or fit or probed
        return [replica.number for replica in best]

    def _works(self, booking: Booking) -> None:
        self._replicas[booking.replica].breaker.succeed(probe=booking.probe)
        booking.probe = False

    def _stalls_at(self, booking: Booking) -> float:
        return self._heard(booking) + self._patience.limit(
            booking.replica, booking.length, suspected=booking.probe
        )

    def _heard(self, booking: Booking) -> float:
        return max(booking.began, self._replicas[booking.replica].heard)

    def _judge_pace(self, booking: Booking, tokens: int, seconds: float, now: float) -> None:
        number, pace = booking.replica, self._replicas[booking.replica].pace
        if booking.pace_probe:
            booking.pace_probe = False
            if self._pace.is_slow(number, tokens, seconds):
                pace.fail(now, probe=True)
                return
            pace.succeed(probe=True)
            self._pace.forget(number)
        self._pace.note(number, tokens, seconds)
        if self._pace.is_outlier(number):
            pace.fail(now)


def is_of_the_replica(error: EngineError) -> bool:
    """Whether it is the replica that failed, so that another one may do better with the same call."""
    return error.retryable or isinstance(error, EngineDead | NotAnEngine)
