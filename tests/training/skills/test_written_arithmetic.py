import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.skills.products.reading import check_arithmetic, evaluated, written_digits
from training.skills.written_arithmetic import (
    added,
    difference,
    multiplied_by_digit,
    partial_products,
    product,
    subtracted,
    total,
)

NUMBERS = st.one_of(
    st.integers(0, 10**7), st.integers(0, 7).map(lambda zeros: 10**zeros), st.just(99999)
)


@given(NUMBERS.filter(lambda number: number > 9), st.integers(0, 9), st.integers(0, 4))
def test_a_number_times_a_digit_is_written_out(number: int, digit: int, zeros: int) -> None:
    text = multiplied_by_digit(number, digit, zeros)
    head, *steps, end = text.split("\n")
    assert check_arithmetic(text) == 2 * len(str(number)) + 1
    assert head == f"{number}*{digit}{'0' * zeros}"
    assert end == f"{head}={number * digit * 10**zeros}"
    assert written_digits("\n".join(steps)) == number * digit


@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_sums_are_written_column_by_column(terms: list[int]) -> None:
    text = added(terms)
    head = text.split("\n")[0]
    assert check_arithmetic(text)
    assert written_digits(text) == evaluated(head) == sum(terms)


@given(NUMBERS, NUMBERS)
def test_differences_are_written_column_by_column(a: int, b: int) -> None:
    larger, smaller = max(a, b), min(a, b)
    text = subtracted(larger, smaller)
    assert check_arithmetic(text) == len(str(larger))
    assert text.startswith(f"{larger}-{smaller}\n")
    assert written_digits(text) == larger - smaller
    assert text.endswith("borrow 0")


@given(NUMBERS, NUMBERS)
def test_partial_products_add_up(a: int, b: int) -> None:
    parts = partial_products(a, b)
    assert sum(a * digit * 10**zeros for digit, zeros in parts) == a * b
    assert all(digit for digit, _ in parts)


@given(NUMBERS, NUMBERS)
def test_whole_calculations_are_right_and_end_in_their_result(a: int, b: int) -> None:
    larger, smaller = max(a, b), min(a, b)
    for text, result in (
        (product(a, b), f"{a}*{b}={a * b}"),
        (total([a, b, a]), f"{a}+{b}+{a}={a + b + a}"),
        (difference(larger, smaller), f"{larger}-{smaller}={larger - smaller}"),
    ):
        assert check_arithmetic(text)
        assert text.split("\n")[-1] == result


def test_what_the_tables_hold_is_one_line() -> None:
    for a in range(10):
        for b in range(10):
            assert product(a, b) == multiplied_by_digit(a, b) == f"{a}*{b}={a * b}"
            assert total([a, b]) == f"{a}+{b}={a + b}"
            assert difference(a + b, b) == f"{a + b}-{b}={a}"
    for written in (product(10, 2), multiplied_by_digit(3, 4, 1), total([10, 2]), total([1, 2, 3])):
        assert "\n" in written
    assert "\n" in difference(20, 1)
    assert "\n" in difference(15, 10)


def test_no_step_adds_more_than_a_model_can_look_up() -> None:
    """Three digits and a carry are added at once; of more, each is added to what came before."""
    assert added([1, 2, 3]).split("\n")[1] == "1+2+3+0=6 write 6 carry 0"
    assert added([5, 6, 7, 8]).split("\n")[1] == "5+6=11 11+7=18 18+8=26 26+0=26 write 6 carry 2"


@pytest.mark.parametrize(
    "wrong",
    [
        "234*7\n4*7=29 29+0=29 write 9 carry 2",
        "234*7\n4*7=28 28+0=28 write 8 carry 3",
        "234*7\n4*7=28 28+0=28 write 8 carry 2\n3*7=21 21+1=22 write 2 carry 2",
        "9*7=63 64+0=64 write 4 carry 6",
        "3-9-0=-6 write 6 borrow 1",
    ],
)
def test_whoever_reads_it_finds_mistakes(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check_arithmetic(wrong)
