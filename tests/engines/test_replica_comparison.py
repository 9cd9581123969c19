"""Patience and pace: what replicas are compared by."""

from __future__ import annotations

import math
import sys
from collections import deque
from statistics import median_high
from types import FrameType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engines.replicas import pace as pace_module
from engines.replicas.pace import Pace
from engines.replicas.patience import Patience


def test_without_any_answer_there_is_no_limit() -> None:
    assert Patience(2, 30).limit(0, 100) == math.inf


def test_the_limit_is_five_times_what_nearly_all_peers_took() -> None:
    patience = Patience(2, 30)
    for seconds in range(1, 20):
        patience.note(1, 100, seconds)
    patience.note(1, 100, 1000)
    # Of the 16 nearest, all equal in length here, the first 16.
    assert patience.limit(0, 100) == 5 * 16


def test_nothing_counts_as_stalled_earlier_than_the_least_seconds_unless_it_is_suspected() -> None:
    patience = Patience(2, 30)
    patience.note(1, 100, 1)
    assert patience.limit(0, 100) == 30
    assert patience.limit(0, 100, suspected=True) == 5


def test_a_long_call_is_given_the_time_of_shorter_peers_stretched() -> None:
    patience = Patience(2, 1)
    patience.note(1, 100, 10)
    assert patience.limit(0, 1000) == 500
    assert patience.limit(0, 10) == 50


def test_a_call_is_compared_with_the_peers_nearest_in_length() -> None:
    patience = Patience(2, 1)
    for _ in range(30):
        patience.note(1, 4, 2)
        patience.note(1, 1000, 10)
    assert patience.limit(0, 1100) == 55
    assert patience.limit(0, 4) == 10


def test_the_replica_itself_is_the_measure_only_where_there_is_no_other() -> None:
    patience = Patience(2, 1)
    patience.note(0, 10, 100)
    assert patience.limit(0, 10) == 500
    patience.note(1, 10, 1)
    assert patience.limit(0, 10) == 5


def compared(slow: float, calls: int = 8, peers: int = 8) -> Pace:
    pace = Pace(3, factor=3, calls=8)
    for _ in range(calls):
        pace.note(0, 100, slow)
    for _ in range(peers):
        pace.note(1, 100, 1)
        pace.note(2, 120, 1)
    return pace


def test_a_replica_that_is_three_times_slower_is_an_outlier() -> None:
    assert compared(3.7).is_outlier(0)
    assert not compared(2.5).is_outlier(0)
    assert not compared(3.7).is_outlier(1)


def test_it_takes_enough_calls_of_both_sides() -> None:
    assert not compared(9, calls=7).is_outlier(0)
    assert not compared(9, peers=3).is_outlier(0)


def test_only_calls_of_about_the_same_length_are_compared() -> None:
    pace = Pace(2, factor=3, calls=8)
    for _ in range(20):
        pace.note(0, 10, 1)
        pace.note(1, 1000, 10)
    assert not pace.is_outlier(0)


def test_short_calls_say_nothing() -> None:
    pace = Pace(2, factor=3, calls=8)
    for _ in range(20):
        pace.note(0, 4, 100)
        pace.note(1, 4, 1)
    assert not pace.is_outlier(0)
    assert pace.seconds_per_token(0) is None


def test_one_call_is_judged_by_the_same_measure() -> None:
    pace = compared(1)
    assert pace.is_slow(0, 100, 4)
    assert not pace.is_slow(0, 100, 2)
    assert not pace.is_slow(0, 5000, 1e9)


def test_what_is_forgotten_is_no_measure() -> None:
    pace = compared(9)
    assert pace.seconds_per_token(0) == 0.09
    pace.forget(0)
    assert not pace.is_outlier(0)


@given(
    st.lists(st.floats(0.5, 1.4), min_size=8, max_size=40),
    st.lists(st.floats(0.5, 1.4), min_size=8, max_size=40),
)
def test_equal_replicas_are_never_outliers(ours: list[float], theirs: list[float]) -> None:
    pace = Pace(2, factor=3, calls=8)
    for seconds in ours:
        pace.note(0, 100, seconds)
    for seconds in theirs:
        pace.note(1, 100, seconds)
    assert not pace.is_outlier(0)
    assert not pace.is_outlier(1)


class Plainly:
    """What `Pace` says of calls of one size, by the median of all that its peers did."""

    def __init__(self, replicas: int) -> None:
        self.samples: list[deque[float]] = [deque(maxlen=32) for _ in range(replicas)]

    def slowness(self, replica: int, seconds: list[float]) -> list[float]:
        peers = [s for other in self.samples if other is not self.samples[replica] for s in other]
        return [s / median_high(peers) for s in seconds] if len(peers) >= 3 else []

    def is_outlier(self, replica: int) -> bool:
        slowness = self.slowness(replica, list(self.samples[replica]))
        return len(slowness) >= 3 and median_high(slowness) > 2

    def is_slow(self, replica: int, seconds: float) -> bool:
        return any(slowness > 2 for slowness in self.slowness(replica, [seconds]))


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([None, 1.0, 2.0, 3.0, 4.0, 8.0])), max_size=200
    )
)
def test_what_is_kept_in_order_compares_as_all_of_it_would(
    calls: list[tuple[int, float | None]],
) -> None:
    pace, plainly = Pace(3, factor=2, calls=3), Plainly(3)
    for replica, seconds in calls:
        if seconds is None:
            pace.forget(replica)
            plainly.samples[replica].clear()
        else:
            assert pace.is_slow(replica, 64, 64 * seconds) == plainly.is_slow(replica, seconds)
            pace.note(replica, 64, 64 * seconds)
            plainly.samples[replica].append(seconds)
        assert pace.is_outlier(replica) == plainly.is_outlier(replica)


def lines_of_a_comparison(replicas: int) -> int:
    """How many lines of the module one comparison runs through where all replicas have done much."""
    pace = Pace(replicas, factor=3, calls=8)
    for number in range(replicas):
        for _ in range(40):
            pace.note(number, 100, 1)
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != pace_module.__file__:
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        pace.is_outlier(0)
    finally:
        sys.settrace(before)
    return lines


def test_a_comparison_takes_no_longer_where_there_are_more_replicas() -> None:
    assert 0 < lines_of_a_comparison(2) == lines_of_a_comparison(64)
