"""Who gets a call, and what answers and failures change about it; without any engine."""

from __future__ import annotations

from engines import Context, EngineDead, EngineUnavailable, RequestRejected, Segment, Usage
from engines.replicas.fleet import Booking, Fleet
from engines.replicas.replica import HealthPolicy
from engines.replicas.router import RoutingPolicy
from tests.engines.replica_fakes import question

GONE = EngineDead("gone")
REFUSED = RequestRejected("no")


def fleet(replicas: int = 2) -> Fleet:
    return Fleet(replicas, stall_seconds=10, routing=RoutingPolicy(), health=HealthPolicy())


def booked(fleet: Fleet, context: Context, now: float = 0) -> Booking:
    booking = fleet.book(context, 10, now)
    assert booking is not None
    return booking


def prompt(tokens: int, name: str = "prompt") -> Context:
    return Context(Segment("user", name, (1,) * tokens), name=name)


def answer(fleet: Fleet, booking: Booking, context: Context, seconds: float, now: float) -> None:
    fleet.heard(booking, now, first=True)
    fleet.finished(booking, context, Usage(generated_tokens=100), seconds, now)
    fleet.end(booking)


def test_what_was_generated_is_cached_where_it_was_generated() -> None:
    replicas, context = fleet(), prompt(20)
    booking = booked(replicas, context)
    longer = context.extend(Segment("assistant", "", (2,) * 3000))
    answer(replicas, booking, longer, 1, 1)
    following = booked(replicas, longer.fork("next", Segment("user", "", (3,) * 5)), 1)
    assert (following.replica, following.placement.cached_tokens) == (booking.replica, 3020)


def test_a_replica_that_is_taken_out_has_lost_its_cache() -> None:
    replicas, context = fleet(1), prompt(500)
    first = booked(replicas, context)
    assert replicas.failed(first, GONE, 0)
    replicas.end(first)
    assert replicas.book(context, 10, 0.5) is None
    assert booked(replicas, context, 1).placement.cached_tokens == 0


def test_a_probe_that_was_given_up_leaves_the_next_call_to_be_one() -> None:
    replicas = fleet(1)
    first = booked(replicas, question())
    replicas.failed(first, GONE, 0)
    replicas.end(first)
    for _ in range(2):
        probe = booked(replicas, question(), 1)
        assert probe.probe
        replicas.end(probe)


def test_a_refused_request_shows_that_a_replica_works() -> None:
    replicas = fleet(1)
    first = booked(replicas, question())
    replicas.failed(first, GONE, 0)
    replicas.end(first)
    probe = booked(replicas, question(), 1)
    assert not replicas.failed(probe, REFUSED, 1)
    replicas.end(probe)
    (status,) = replicas.statuses(1)
    assert (status.state, status.failed, status.said) == ("serving", 1, "gone")


def test_a_pace_probe_that_was_given_up_leaves_the_next_call_to_be_one() -> None:
    replicas = fleet()
    for number in range(40):
        booking = booked(replicas, question(f"{number}"), number)
        seconds = 9.0 if booking.replica == 0 else 1.0
        answer(replicas, booking, booking_context(number), seconds, number)
    assert replicas.statuses(40)[0].state == "slow"
    for _ in range(2):
        probe = booked(replicas, question("probe"), 100)
        assert (probe.replica, probe.pace_probe) == (0, True)
        replicas.end(probe)


def booking_context(number: int) -> Context:
    return question(f"{number}").extend(Segment("assistant", "", (1,)))


def test_three_failures_in_a_row_take_a_replica_out() -> None:
    replicas = fleet(1)
    down = EngineUnavailable("503")
    for number in range(3):
        assert replicas.statuses(0)[0].state == "serving"
        booking = booked(replicas, question(f"{number}"))
        replicas.failed(booking, down, 0)
        replicas.end(booking)
    assert replicas.statuses(0)[0].state == "down"
    assert not replicas.is_up(0)


def test_a_refusal_says_what_was_said_to_the_call_or_else_last() -> None:
    replicas = fleet(3)
    for number in (0, 1):
        replicas.note_failure(number, GONE, 0)
    replicas.set_drained(2, True)
    refusal = replicas.refusal({1: "it sent nothing for 30 s"}, 0)
    assert str(refusal) == (
        "no replica answers: replica 0: down (gone); replica 1: it sent nothing for 30 s; replica 2: drained"
    )
