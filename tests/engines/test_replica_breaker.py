from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engines.replicas.circuit_breaker import CircuitBreaker


def breaker(failures: int = 3) -> CircuitBreaker:
    return CircuitBreaker(failures=failures, cool_down=1, longest_cool_down=8)


def opened(at: float = 0) -> CircuitBreaker:
    found = breaker(1)
    assert found.fail(at)
    return found


def test_it_opens_after_failures_in_a_row() -> None:
    found = breaker()
    assert [found.fail(0), found.fail(0)] == [False, False]
    found.succeed()
    assert [found.fail(0), found.fail(0), found.fail(0)] == [False, False, True]
    assert not found.allows(0.9)


def test_a_fatal_failure_opens_it_at_once() -> None:
    found = breaker()
    assert found.fail(0, fatal=True)
    assert found.state == "open"


def test_after_the_cool_down_one_call_is_a_probe() -> None:
    found = opened()
    assert found.allows(1)
    assert found.begin(1)
    assert found.state == "half-open"
    assert not found.allows(100)


def test_a_probe_that_succeeds_closes_it() -> None:
    found = opened()
    probe = found.begin(1)
    found.succeed(probe=probe)
    assert found.state == "closed"
    assert not found.begin(1)


def test_each_probe_that_fails_doubles_the_cool_down_up_to_the_longest() -> None:
    found, now, waits = opened(), 0.0, []
    for _ in range(5):
        wait = next(w for w in (1, 2, 4, 8, 16) if found.allows(now + w))
        waits.append(wait)
        now += wait
        assert found.begin(now)
        assert found.fail(now, probe=True)
    assert waits == [1, 2, 4, 8, 8]
    found.begin(now + 8)
    found.succeed(probe=True)
    assert not found.fail(now) or found.allows(now + 1)


def test_calls_of_before_change_nothing_while_it_is_open() -> None:
    found = opened()
    assert not found.fail(0.5)
    found.succeed()
    assert not found.allows(0.9)
    assert found.begin(1)
    assert not found.fail(1)
    found.succeed()
    assert not found.allows(1)


def test_a_probe_that_told_nothing_leaves_the_next_call_to_be_one() -> None:
    found = opened()
    found.begin(1)
    found.abandon(probe=True)
    assert found.wants_probe(1)


class Breaker(RuleBasedStateMachine):
    """Calls of any kind in any order: at most one probe at a time, and what stays well is allowed again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = breaker()
        self.calls: list[bool] = []

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        if self.breaker.allows(self.now):
            self.calls.append(self.breaker.begin(self.now))

    @rule(index=st.integers(0, 50), how=st.sampled_from(["succeed", "fail", "fatal", "abandon"]))
    def end(self, index: int, how: str) -> None:
        if not self.calls:
            return
        probe = self.calls.pop(index % len(self.calls))
        if how == "succeed":
            self.breaker.succeed(probe=probe)
        elif how == "abandon":
            self.breaker.abandon(probe=probe)
        else:
            self.breaker.fail(self.now, probe=probe, fatal=how == "fatal")

    @invariant()
    def one_probe_at_most_and_only_when_half_open(self) -> None:
        assert sum(self.calls) == (self.breaker.state == "half-open")

    @invariant()
    def nothing_is_shut_out_for_ever(self) -> None:
        assert self.breaker.state == "half-open" or self.breaker.allows(self.now + 8)


TestBreaker = Breaker.TestCase


@given(st.integers(1, 10), st.integers(0, 9))
def test_fewer_failures_than_the_limit_keep_it_closed(limit: int, failures: int) -> None:
    found = breaker(limit)
    for _ in range(min(failures, limit - 1)):
        found.fail(0)
    assert found.allows(0)
