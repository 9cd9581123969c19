from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reasoning.parathinking.strategies import STRATEGIES
from training.skills.paths import ways
from training.skills.paths.ways import OTHERS, WAY_OF, Way

from .reading import false_columns, false_equations

ALL = (ways.by_digits, *OTHERS, *WAY_OF.values())

any_way = st.sampled_from(ALL)
first = st.integers(10, 9999)
second = st.integers(2, 999)


@given(any_way, first, second)
def test_every_way_is_right_in_each_line_and_ends_in_the_product(way: Way, a: int, b: int) -> None:
    text = way(a, b)
    assert not false_equations(text)
    assert not false_columns(text)
    assert text.splitlines()[-1] == f"{a}*{b}={a * b}"


@given(any_way, first, second)
def test_a_sum_of_columns_spells_the_number_that_is_copied_from_it(
    way: Way, a: int, b: int
) -> None:
    """From the bottom to the top: the last carry, then the digits."""
    lines = way(a, b).splitlines()
    columns: list[str] = []
    for line, after in pairwise(lines):
        if " write " in line:
            columns.append(line)
            if " write " in after:
                continue
            spelt = "".join(one.split(" write ")[1][0] for one in reversed(columns))
            carry = columns[-1].rpartition(" ")[2] if " carry " in columns[-1] else ""
            read = (carry + spelt).lstrip("0") or "0"
            # Zeros behind a digit are copied from the heading.
            assert after.rpartition("=")[2].startswith(read), (line, after)
        elif "=" not in line:
            columns = []


def test_ways_differ() -> None:
    assert len({way(234, 48) for way in (ways.by_digits, *OTHERS)}) == 1 + len(OTHERS)
    assert len({way(234, 48) for way in WAY_OF.values()}) == len(STRATEGIES) == len(WAY_OF)


def test_what_cannot_be_done_in_a_way_is_done_the_usual_way() -> None:
    usual = ways.by_digits(200, 70)
    assert ways.rounded(200, 70) == ways.split(200, 70) == usual
    assert ways.by_factors(200, 67) == ways.by_digits(200, 67)
