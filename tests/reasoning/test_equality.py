from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning import equal
from reasoning.equality import KNOWN_FIRST, POOL, Rules, compared, equal_at_sight
from reasoning.equality.bait import is_bait

answers = (
    st.text(max_size=12)
    | st.text(alphabet="0123456789.,/-+$ x\\", max_size=8)
    | st.fractions().map(str)
    | st.integers().map(lambda n: f"{n:,}")
)


@given(answers, answers)
def test_equality_at_sight_is_symmetric(first: str, second: str) -> None:
    assert equal_at_sight(first, second) == equal_at_sight(second, first)


@given(answers)
def test_every_answer_equals_itself(text: str) -> None:
    assert equal_at_sight(text, text) is True
    assert equal_at_sight(text, f"  ${text}$ ") is True


@given(st.fractions(), st.fractions())
def test_fractions_are_compared_exactly(first: Fraction, second: Fraction) -> None:
    assert equal_at_sight(str(first), str(second)) is (first == second)


@given(st.integers(-(10**12), 10**12))
def test_thousands_separators_and_trailing_zeros_do_not_matter(number: int) -> None:
    assert equal_at_sight(f"{number:,}", f"{number}.00") is True
    assert equal_at_sight(f"{number:,}", str(number + 1)) is False


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        ("1/2", "0.5", True),
        ("2/4", "1/2", True),
        ("1/3", "0.33", False),
        (".5", "0.5", True),
        ("+3", "3", True),
        ("3.", "3", True),
        ("-0", "0", True),
        ("5.", "$5$", True),
        ("$5$.", "5", True),
        ("1,000", "1000", True),
        ("1,000", "1", False),
        ("12,345,678", "12345678", True),
        ("PARIS", "paris", True),
        ("Paris", "London", False),
        (r"\left(1,\,2\right)", "(1,2)", True),
        (r"\leftarrow", "ar", None),
        ("", "", True),
        ("", "1", False),
        ("1/0", "1/0", True),
        ("1/0", "2/0", None),
        ("x+1", "1+x", True),
        (r"\frac{1}{2}", "0.5", True),
        ("1" * 400, "2" * 400, False),
        ("016", "16", True),
        ("1 000", "1000", True),
        # A comma is for thousands, for decimals, or between two answers.
        ("2,74", "2.74", True),
        ("1,22", "1", None),
        ("100,300", "300,100", None),
        (r"1\,234", "1234", True),
        ("0.333333", "1/3", True),
        ("0.3333", "1/3", False),
        # Rounded to so many places, both would be nothing.
        ("0.00000001", "0.00000002", False),
        ("4.4e7", r"4.4 \times 10^{7}", True),
        ("1e-8", "0.00000001", True),
        (r"\dfrac{3}{4}", r"\frac34", True),
        (r"-\frac{1}{2}", "-0.5", True),
        (r"\text{Evelyn}", "evelyn", True),
        (r"\text{odd}", "oddd", False),
        (r"\text{odd}", '"odd"', True),
        (r"\text{odd}", "``odd''", True),
        (r"\text{odd}", '"even"', False),
        # The letter of a choice, and the text of the choice behind it.
        ("(B)", r"\textbf{(B)}\ 3(1 + x)", True),
        (r"\text{(C)}", "(C) Plane", True),
        ("(A)", r"\textbf{(B)}\ 3", False),
        ("(A)", "(A) and (B)", None),
        ("(B)", "(B)^2", False),
        # Letters that stand alone are variables.
        ("n", "N", False),
        (r"90^\circ", "90", True),
        ("74°", r"74^{\circ}", True),
        (r"10\text{ cm}^2", "10", True),
        (r"15\mbox{ cm}", "16", False),
        (r"\$10", "10", True),
        (r"28\%", "28 percent", True),
        ("10%", "10", True),
        ("35", r"35.0\%", True),
        ("0.5", r"0.5\%", None),
        (r"33.5\%", "0.335", True),
        ("10%", "11", None),
        # Short words may be variables or functions.
        ("abc", "cab", None),
    ],
)
def test_what_is_plain_to_see(first: str, second: str, known: bool | None) -> None:
    assert equal_at_sight(first, second) is known
    assert equal_at_sight(second, first) is known


BAIT = [
    "9^9^9^9",
    "9^{9^{9^9}}",
    r"\boxed{2^{10000000000}}",
    "10000000!",
    "((9!)!)!",
    "9!!",
    "2^{99!}",
    "9" * 450 + "x!",
    "(9^9)^(9^9)",
    r"\binom{10000000}{5000000}",
    r"10000000 \choose 5000000",
    "(" * 200 + "1" + ")" * 200,
    r"\frac{1}{" * 40 + "2" + "}" * 40,
    "x+" * 400 + "1",
    r"\sum_{n=1}^{10000000} \frac{1}{n}",
]


@pytest.mark.parametrize("bait", BAIT)
def test_what_is_too_large_to_compute_is_compared_as_text(bait: str) -> None:
    # Known at sight, so that no worker has to be killed for it.
    assert equal_at_sight(bait, "x + 1") is False
    assert equal_at_sight("x + 1", bait) is False
    assert equal_at_sight(bait, f" {bait} ") is True


@pytest.mark.anyio
@pytest.mark.parametrize("bait", BAIT)
async def test_nobody_can_tell_of_bait_and_no_worker_is_asked(bait: str) -> None:
    asked = POOL.counts.asked
    assert await compared("x + 1", bait) is None
    assert await compared(bait, "x + 1") is None
    assert POOL.counts.asked == asked


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_looks_harmless_and_is_not_gets_its_worker_killed() -> None:
    bait = "(9999!)^{999}"
    killed = POOL.counts.killed
    assert await compared("x + 1", bait) is None
    assert POOL.counts.killed == killed + 1
    assert await compared("x + 1", "1 + x") is True
    # It is remembered.
    assert await compared("x + 1", bait) is None
    assert POOL.counts.killed == killed + 1


@pytest.mark.parametrize(
    "ordinary",
    ["2^{100}", "10^6", "3^2 + 4^2", "e^{x^2}", "10!", "x^2y^2", "x^{-10}", r"\binom{2026}{2}"],
)
def test_ordinary_powers_are_no_bait(ordinary: str) -> None:
    assert not is_bait(ordinary)
    assert equal_at_sight(ordinary, f"{ordinary} + x > 2") is None


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_mathematics_decides_what_is_not_plain() -> None:
    same = [
        (r"\frac{1}{2}", "0.5"),
        (r"\dfrac{3}{4}", r"\frac{6}{8}"),
        ("x+1", "1+x"),
        (r"\sqrt{8}", r"2\sqrt{2}"),
        (r"(1,2]", r"\left(1, 2\right]"),
        (r"12 \frac{3}{5}", r"\frac{63}{5}"),
        (r"\{1, 2\}", r"\{2, 1\}"),
        (r"50\%", "0.5"),
    ]
    other = [
        (r"\frac{1}{2}", "0.51"),
        ("x+1", "x-1"),
        (r"(1,2]", "[1,2]"),
        (r"\sqrt{8}", "3"),
        ("(1, 2)", "(2, 1)"),
    ]
    for first, second in same:
        assert await equal(first, second), (first, second)
        assert await equal(second, first), (second, first)
    for first, second in other:
        assert not await equal(first, second), (first, second)
        assert not await equal(second, first), (second, first)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rules_say_what_else_is_equal() -> None:
    interval, relation = r"x \in [-2,7]", r"-2 \le x \le 7"
    assert await compared(relation, interval)
    assert not await compared(interval, relation)
    assert await compared(interval, relation, Rules(relations=True))
    assert await compared(interval, relation, Rules(symmetric=True))
    assert not await compared("f(x)", "f(y)")
    assert await compared("f(x)", "f(y)", Rules(strict=False))
    assert not await compared("3.14", "3.1")
    assert await compared("3.14", "3.1", Rules(tolerance=0.1))
    assert await compared("3.14", r"\pi", Rules(relative=0.01))
    assert not await compared("3.14", r"2\pi", Rules(relative=0.01))
    assert await compared("2.71828", "e", Rules(decimals=3))
    assert not await compared("2.71", "e", KNOWN_FIRST)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ("2**(1/4)", r"\sqrt{\sqrt{2}}"),
        (r"\sqrt{3} - 1", "-1 + sqrt(3)"),
        ("0.005", r"\frac{1}{2}\%"),
        ("0.005", r"\frac{1}{2}\text{ percent}"),
        ("69$,$84", "84, 69"),
        ("12$ and $13", "13, 12"),
        ("221,$8", r"\{8, 221\}"),
    ],
)
async def test_what_math_verify_would_misread_is_rewritten(known: str, answer: str) -> None:
    assert await compared(known, answer) is True


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_cannot_be_read_is_told_apart_from_what_is_wrong() -> None:
    assert await compared("7", "x + 7") is False
    assert await compared("x + 7", r"\frac{") is None


@pytest.mark.anyio
@pytest.mark.parametrize("odd", ["a\nb + 1", "\\frac{", "x=" * 20, "{}", "\0 1", "\u2028 x1"])
async def test_odd_answers_get_a_verdict_too(odd: str) -> None:
    assert not await equal(odd, "x + 7")
