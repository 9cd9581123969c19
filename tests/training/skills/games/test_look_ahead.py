from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.skills.games.look_ahead import can_make, look_ahead

from .reading import reaches

NUMBERS = st.lists(st.integers(0, 60), min_size=1, max_size=3).map(sorted)


@given(NUMBERS, st.integers(1, 99))
def test_it_is_right_of_whole_numbers_although_it_leaves_fractions_out(
    numbers: list[int], target: int
) -> None:
    right = reaches(tuple(map(Fraction, numbers)), target)
    assert can_make(numbers, target) == right
    assert look_ahead(numbers, target).endswith(" yes" if right else " none")


@pytest.mark.parametrize("a", range(0, 31, 2))
def test_it_is_right_of_all_small_numbers(a: int) -> None:
    for b in range(a, 31):
        for c in range(b, 31):
            assert can_make([a, b, c], 24) == reaches((Fraction(a), Fraction(b), Fraction(c)), 24)


def test_a_number_may_be_divided_by_what_the_others_make() -> None:
    assert look_ahead([1, 1, 48], 24).split("\n")[-1] == "48: 24 72 2 of 1 1: 2 yes"
    assert can_make([1, 1, 48], 24)


@given(NUMBERS, st.integers(1, 99))
def test_what_is_found_is_needed_and_made_and_nothing_before_it_is(
    numbers: list[int], target: int
) -> None:
    if len(numbers) == 1:
        return
    *before, last = look_ahead(numbers, target).removesuffix(" none").split("\n")
    for line in [*before, last.removesuffix(" yes")]:
        needed, made = _parts(line)
        found = set(needed) & set(made)
        assert found == ({made[-1]} if line == last.removesuffix(" yes") != last else set())


def _parts(line: str) -> tuple[list[str], list[str]]:
    _, middle, made = line.split(":")
    needed, _ = middle.split(" of ")
    return needed.split(), made.split()
