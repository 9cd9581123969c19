from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.estimates.permutation import sign_flip_p

QUARTERS = st.integers(-4, 4).map(lambda quarters: quarters / 4)


@given(st.lists(QUARTERS, max_size=8))
def test_all_signs_are_tried(differences: list[float]) -> None:
    found = abs(sum(differences))
    flips = [
        abs(sum(sign * difference for sign, difference in zip(signs, differences, strict=True)))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    share = sum(flip >= found for flip in flips) / len(flips)
    assert sign_flip_p(differences) == pytest.approx(share)


@given(st.lists(QUARTERS, max_size=24), st.randoms())
@settings(max_examples=20)
def test_neither_order_nor_direction_matters(
    differences: list[float], random: st.DataObject
) -> None:
    other = [-difference for difference in differences]
    random.shuffle(other)  # type: ignore[attr-defined]
    assert sign_flip_p(other) == sign_flip_p(differences)


def test_without_a_difference_it_is_uniform() -> None:
    random = np.random.default_rng(1)
    found = [sign_flip_p(row) for row in random.normal(size=(500, 11)).tolist()]
    for level in (0.05, 0.25, 0.5, 0.75):
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=0.06)


def test_drawn_signs_say_what_all_signs_say() -> None:
    random = np.random.default_rng(2)
    differences = random.normal(0.3, 1, 16).round(3)
    exact = sign_flip_p(differences.tolist())
    # Differences that say nothing make them too many to try.
    drawn = sign_flip_p([*differences.tolist(), *[1e-7] * 8])
    assert drawn == pytest.approx(exact, abs=0.02)


def test_it_is_never_nothing() -> None:
    assert sign_flip_p([1.0] * 60) == pytest.approx(1 / 20_001)
    assert sign_flip_p([1.0] * 5) == 2 / 32
    assert sign_flip_p([]) == sign_flip_p([0.0, 0.0]) == 1.0
