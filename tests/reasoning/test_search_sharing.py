from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reasoning.searching.rules.sharing import shared_evenly, shared_out, softmax_weights

from .search_trees import SCORES

GOLDEN = Path(__file__).parents[3] / "shared" / "reference" / "search-golden.json"

TEMPERATURES = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
WIDTHS = st.integers(0, 10_000)
# Multiples of a power of 2, whose sums are exact.
EXACT = st.integers(-5000, 5000).map(lambda n: n / 1024)


@pytest.mark.parametrize(
    ("scores", "width", "shares"),
    [
        ((0.9, 0.8, 0.5, 0.1), 16, [10, 5, 1, 0]),
        ((0.95, 0.6, 0.6, 0.2, 0.05), 64, [47, 8, 8, 1, 0]),
        ((0.1, 0.9), 1, [0, 1]),
        ((0.5,) * 5, 16, [4, 3, 3, 3, 3]),
        ((0.3, 0.3), 3, [2, 1]),
        # Thirds and fifths of floats that are equal, but not 1.
        ((0.9, 0.74, 0.74, 0.74, 0.74), 33, [12, 6, 5, 5, 5]),
        ((0.9, 0.9, 0.7, 0.7, 0.7, 0.7, 0.7), 55, [15, 15, 5, 5, 5, 5, 5]),
        ((0.7,), 10_000, [10_000]),
        ((), 5, []),
    ],
)
def test_the_shares_of_rebase(scores: tuple[float, ...], width: int, shares: list[int]) -> None:
    assert shared_out(scores, width, 0.2) == shares


@pytest.mark.skipif(not GOLDEN.exists(), reason="../shared is absent")
def test_the_golden_shares() -> None:
    cases = json.loads(GOLDEN.read_text())["rebase"]
    assert len(cases) == 8
    for case in cases:
        assert shared_out(case["scores"], case["width"], case["T"]) == case["alloc"], case


@given(st.lists(SCORES, min_size=1, max_size=30), WIDTHS, TEMPERATURES)
def test_the_width_is_shared_out_exactly_and_a_better_score_never_gets_fewer(
    scores: list[float], width: int, temperature: float
) -> None:
    shares = shared_out(scores, width, temperature)
    assert sum(shares) == width
    assert min(shares) >= 0
    # Of equals, the first.
    ranks = sorted(range(len(scores)), key=lambda leaf: (-scores[leaf], leaf))
    in_order = [shares[leaf] for leaf in ranks]
    assert in_order == sorted(in_order, reverse=True)


@given(st.lists(SCORES, min_size=1, max_size=9, unique=True), WIDTHS, st.randoms())
def test_the_order_of_the_leaves_does_not_matter(
    scores: list[float], width: int, random: Random
) -> None:
    other = random.sample(scores, len(scores))
    assert dict(zip(scores, shared_out(scores, width, 0.2), strict=True)) == dict(
        zip(other, shared_out(other, width, 0.2), strict=True)
    )


@given(st.lists(EXACT, max_size=30), WIDTHS, EXACT)
def test_a_constant_that_is_added_to_all_scores_changes_nothing(
    scores: list[float], width: int, constant: float
) -> None:
    moved = [score + constant for score in scores]
    assert shared_out(moved, width, 0.2) == shared_out(scores, width, 0.2)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.integers(1, 300))
def test_the_shares_are_those_of_exact_arithmetic(scores: list[float], width: int) -> None:
    ordered = sorted(scores, reverse=True)
    weights = [Fraction(weight) for weight in softmax_weights(ordered, 0.2)]
    expected, left = [], width
    for rank, weight in enumerate(weights):
        share = left * weight / sum(weights[rank:])
        # So close above a whole number it is one.
        assume(not 1e-8 < share - math.floor(share) < 1e-6)
        expected.append(math.ceil(share - Fraction(1, 10**7)))
        left -= expected[-1]
    assert shared_out(ordered, width, 0.2) == expected


@pytest.mark.parametrize(
    ("scores", "shares"),
    [
        ((math.inf, 1.0, math.inf, -math.inf), [4, 0, 3, 0]),
        ((-math.inf, -math.inf, -math.inf), [3, 2, 2]),
        ((-math.inf, -1e9), [0, 7]),
        ((1e308, -1e308, 1e308), [4, 0, 3]),
        ((5e-324, 0.0), [4, 3]),
    ],
)
def test_the_shares_of_extremes(scores: tuple[float, ...], shares: list[int]) -> None:
    assert shared_out(scores, 7, 0.2) == shares


def test_what_is_left_of_the_mass_does_not_drift_to_nothing() -> None:
    """One leaf far above ten thousand equal ones, whose weights are lost when they are subtracted from the whole."""
    shares = shared_out([1.0] + [-6.0] * 9_999, 10_000, 0.2)
    assert shares == [10_000] + [0] * 9_999
    even = shared_out([0.3] * 9_999 + [0.1], 9_999, 1e6)
    assert even == [1] * 9_999 + [0]


def test_shares_that_nearly_are_whole_numbers_stay_in_the_order_of_the_scores() -> None:
    assert shared_out([0.0, 0.0, -5e-9], 30, 0.2) == [11, 10, 9]


@pytest.mark.parametrize("score", [0.1, 0.3, 1.7])
def test_ten_thousand_equal_leaves_get_one_child_each(score: float) -> None:
    assert shared_out([score] * 10_000, 10_000, 0.2) == [1] * 10_000


@pytest.mark.parametrize("temperature", [1e-320, 1e-9, 1e300])
def test_a_temperature_at_an_end_of_the_scale(temperature: float) -> None:
    shares = shared_out([0.5, 0.9, 0.1], 6, temperature)
    assert shares == ([2, 2, 2] if temperature > 1 else [0, 6, 0])


@given(st.integers(0, 1000), st.integers(1, 50))
def test_even_shares(width: int, leaves: int) -> None:
    shares = shared_evenly(width, leaves)
    assert sum(shares) == width
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1
