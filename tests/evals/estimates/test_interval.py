from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.estimates import interval
from evals.estimates.estimate import Estimate

Rates = Callable[[int], list[float]]
SHARES = st.integers(0, 16).map(lambda right: right / 16)
REPETITIONS = 100


def covered(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize("k", [1, 4, 16])
def test_intervals_of_rates_cover_as_often_as_they_say(k: int) -> None:
    """Over problems: an interval over their samples alone would cover at 75 % for 4, and at 40 % for 16."""
    random = np.random.default_rng(k)
    rates = random.beta(1, 1, (REPETITIONS, 30))
    found = random.binomial(k, rates) / k
    share = np.mean([covered(interval.rate(row), 0.5) for row in found.tolist()])
    assert 0.9 <= share <= 0.99


def test_intervals_near_the_ends_cover_too() -> None:
    """Where few problems of many are not always right, and an ordinary bootstrap covers at 85 %."""
    random = np.random.default_rng(2)
    found = random.binomial(16, random.beta(0.95, 0.05, (REPETITIONS, 30))) / 16
    share = np.mean([covered(interval.rate(row), 0.95) for row in found.tolist()])
    assert share >= 0.9


def test_intervals_of_differences_cover_as_often_as_they_say() -> None:
    """Unpaired, they would be twice as wide; with samples drawn again inside, they cover at 99 %."""
    random = np.random.default_rng(3)
    rates = random.beta(1, 1, (REPETITIONS, 30))
    better = rates + 0.1 * (1 - rates)
    found = (random.binomial(4, better) - random.binomial(4, rates)) / 4
    estimates = [interval.difference(row) for row in found.tolist()]
    share = np.mean([covered(estimate, 0.05) for estimate in estimates])
    assert 0.9 <= share <= 0.99
    widths = [(estimate.high or 0) - (estimate.low or 0) for estimate in estimates]
    assert np.mean(widths) < 0.25


def test_intervals_of_means_cover_as_often_as_they_say() -> None:
    random = np.random.default_rng(4)
    found = random.normal(1000, 200, (2000, 4))
    share = np.mean([covered(interval.mean_of(row), 1000) for row in found.tolist()])
    # Few problems: with the reach of many it were 86 %.
    assert 0.93 <= share <= 0.97
    assert interval.mean_of([0.0, 1000.0]).low == 0.0


@given(st.lists(SHARES, min_size=1, max_size=12))
@settings(max_examples=25)
def test_an_interval_is_in_range_and_around_the_mean(values: list[float]) -> None:
    found = interval.rate(values)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(np.mean(values))
    # Something remains unknown, whatever is found.
    assert found.high - found.low > 0.05
    turned = interval.rate([1 - value for value in values])
    assert turned.low == pytest.approx(1 - found.high, abs=0.05)


@given(st.lists(SHARES, min_size=2, max_size=12), st.randoms())
@settings(max_examples=15)
def test_neither_order_nor_time_changes_an_interval(
    values: list[float], random: st.DataObject
) -> None:
    other = list(values)
    random.shuffle(other)  # type: ignore[attr-defined]
    for estimate in (interval.rate, interval.difference, interval.mean_of):
        assert estimate(other) == estimate(values)


def test_zeros_and_ones_have_the_interval_of_wilson() -> None:
    # By Wilson's formula, as statistics textbooks tabulate it.
    assert interval.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert interval.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    found = interval.rate([1.0] * 8 + [0.0] * 2)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert found.how == "Wilson, 10 problems"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_is_not_certain(value: float) -> None:
    for count in (1, 5, 30):
        found = interval.rate([value] * count)
        assert value in (found.low, found.high)
        assert (found.high or 0) - (found.low or 0) > 3 / (count + 4)


def test_one_problem_says_little() -> None:
    found = interval.rate([0.5])
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.2
    assert found.high > 0.8
    assert found.how == "bootstrap over 1 problem"
    tokens = interval.mean_of([100.0])
    assert (tokens.value, tokens.low, tokens.high) == (100.0, None, None)


def test_two_systems_that_never_differ_might() -> None:
    none = interval.difference([0.0] * 30)
    assert none.value == 0.0
    assert none.low == pytest.approx(-0.1, abs=0.05)
    assert none.high == pytest.approx(0.1, abs=0.05)
    assert interval.difference([0.25] * 30).low == pytest.approx(0.15, abs=0.07)


def test_more_problems_make_it_narrower() -> None:
    values = [0.25, 0.5, 0.75, 1.0]
    widths = []
    for times in (1, 4, 16):
        found = interval.rate(values * times)
        widths.append((found.high or 0) - (found.low or 0))
    assert widths[0] > 1.5 * widths[1] > 2.25 * widths[2]
