from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import Trial
from evals.estimates.measures import (
    average_at,
    largest_at,
    majority_at,
    pass_at,
    weighted_at,
)
from evals.estimates.weighted import tries_all
from tests.evals.estimates.making_trials import samples, trials


def vote(chosen: Sequence[Trial], *, weighted: bool) -> Fraction:
    """How right a vote is, as it is defined."""
    groups: dict[int, list[Trial]] = {}
    for trial in chosen:
        if trial.vote is not None:
            groups.setdefault(trial.vote, []).append(trial)
    sums = {
        answer: sum(Fraction(str(t.weight)) if weighted else Fraction(1) for t in group)
        for answer, group in groups.items()
    }
    winners = [answer for answer in sums if sums[answer] == max(sums.values())]
    shares = [Fraction(sum(t.correct for t in groups[w]), len(groups[w])) for w in winners]
    return Fraction(sum(shares), max(1, len(shares)))


def expected(found: Sequence[Trial], k: int, *, weighted: bool) -> float:
    votes = [vote(chosen, weighted=weighted) for chosen in combinations(found, k)]
    return float(sum(votes, Fraction(0)) / len(votes))


@given(samples())
def test_majority_is_the_mean_over_all_choices(found: list[Trial]) -> None:
    for k in range(1, len(found) + 1):
        assert majority_at(found, k) == pytest.approx(expected(found, k, weighted=False), abs=1e-11)


@given(samples(most=6))
def test_a_weighted_majority_is_the_mean_over_all_choices(found: list[Trial]) -> None:
    for k in range(1, len(found) + 1):
        assert weighted_at(found, k) == pytest.approx(expected(found, k, weighted=True), abs=1e-11)


@given(samples())
def test_pass_is_the_share_of_choices_with_a_right_one(found: list[Trial]) -> None:
    wrong = sum(not trial.correct for trial in found)
    for k in range(1, len(found) + 1):
        choices = list(combinations(found, k))
        hits = sum(any(trial.correct for trial in chosen) for chosen in choices)
        assert pass_at(found, k) == pytest.approx(hits / len(choices), abs=1e-12)
        chen = 1 - math.comb(wrong, k) / math.comb(len(found), k)
        assert pass_at(found, k) == pytest.approx(chen, abs=1e-12)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_the_largest_is_the_mean_over_all_choices(values: list[int]) -> None:
    for k in range(1, len(values) + 1):
        largest = [max(chosen) for chosen in combinations(values, k)]
        assert largest_at(values, k) == pytest.approx(sum(largest) / len(largest))


@given(samples())
def test_one_sample_is_its_own_majority(found: list[Trial]) -> None:
    right = [replace(t, correct=t.correct and t.vote is not None) for t in found]
    for measure in (pass_at, majority_at, weighted_at):
        assert measure(right, 1) == pytest.approx(average_at(right, 1), abs=1e-11)


@given(samples(), st.randoms())
def test_the_order_of_samples_does_not_matter(found: list[Trial], random: st.DataObject) -> None:
    other = list(found)
    random.shuffle(other)  # type: ignore[attr-defined]
    for k in range(1, len(found) + 1):
        assert majority_at(other, k) == majority_at(found, k)
        assert weighted_at(other, k) == pytest.approx(weighted_at(found, k), abs=1e-11)


@pytest.mark.parametrize("k", [1, 2, 3, 50, 199])
def test_many_samples_are_counted_as_few_are(k: int) -> None:
    right, count = 80, 200
    many = [Trial(correct=number < right, vote=int(number < right)) for number in range(count)]
    ways = [math.comb(right, hits) * math.comb(count - right, k - hits) for hits in range(k + 1)]
    won = sum(2 * ways[h] if 2 * h > k else ways[h] if 2 * h == k else 0 for h in range(k + 1))
    assert majority_at(many, k) == pytest.approx(won / (2 * math.comb(count, k)), abs=1e-11)


def test_nothing_overflows() -> None:
    many = [Trial(correct=number == 0, vote=number) for number in range(4000)]
    assert pass_at(many, 2000) == pytest.approx(0.5)


def test_drawn_choices_come_close_to_all() -> None:
    found = [
        Trial(correct=vote == 0, vote=vote, weight=1.0) for vote in (0, 0, 0, 1, 1, 2, None) * 6
    ]
    assert not tries_all(len(found), 10)
    drawn = weighted_at(found, 10)
    assert drawn == pytest.approx(majority_at(found, 10), abs=0.03)
    assert drawn == weighted_at(found, 10)


def test_weights_decide_against_numbers() -> None:
    found = [
        Trial(correct=False, vote=1, weight=0.1),
        Trial(correct=False, vote=1, weight=0.2),
        Trial(correct=True, vote=0, weight=0.4),
    ]
    assert (majority_at(found, 3), weighted_at(found, 3)) == (0.0, 1.0)
    # 0.1 + 0.2 is more than 0.3 only by rounding.
    tied = [*found[:2], Trial(correct=True, vote=0, weight=0.3)]
    assert weighted_at(tied, 3) == 0.5


def test_what_is_certain_is_exactly_so() -> None:
    found = trials("p", [1] * 60).trials
    for k in (1, 7, 30, 59, 60):
        assert majority_at(found, k) == pass_at(found, k) == 1.0
