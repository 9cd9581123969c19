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
    assert look_ahead([1, 1, 48], 24).split("\n")[-1] == "1 1: 2 0 1 1 with 48: 24 72 2 yes"
    assert can_make([1, 1, 48], 24)


@given(NUMBERS, st.integers(1, 99))
def test_what_is_found_is_needed_and_made_and_nothing_before_it_is(
    numbers: list[int], target: int
) -> None:
    if len(numbers) == 1:
        return
    *before, last = look_ahead(numbers, target).removesuffix(" none").split("\n")
    for line in [*before, last.removesuffix(" yes")]:
        made, needed = _parts(line)
        found = set(needed) & set(made)
        assert found == ({needed[-1]} if line == last.removesuffix(" yes") != last else set())


def test_products_are_written_only_where_they_may_count() -> None:
    assert look_ahead([7, 10, 78], 24).split("\n") == [
        "10 78: 88 68 with 7: 17 31",
        "7 78: 85 71 with 10: 14 34",
        "7 10: 17 3 70 with 78: 54 102 none",
    ]


def _parts(line: str) -> tuple[list[str], list[str]]:
    _, middle, needed = line.split(":")
    made, _ = middle.split(" with ")
    return made.split(), needed.split()
