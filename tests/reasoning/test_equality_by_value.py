from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.equality import KNOWN_FIRST, Rules, equal_at_sight
from reasoning.equality.formulas import values_of
from reasoning.equality.shapes import equal_by_parts

numbers = st.integers(0, 30)


def joined(
    inner: st.SearchStrategy[tuple[str, Fraction]],
) -> st.SearchStrategy[tuple[str, Fraction]]:
    """Formulas of two formulas, with what they are worth."""

    def join(
        one: tuple[str, Fraction], other: tuple[str, Fraction], sign: str
    ) -> tuple[str, Fraction]:
        (a, x), (b, y) = one, other
        if sign == "frac":
            return (f"\\frac{{{a}}}{{{b}}}", x / y) if y else (f"({a})", x)
        worth = {"+": x + y, "-": x - y, r"\cdot": x * y, "": x * y}[sign]
        return f"({a}) {sign} ({b})", worth

    return st.builds(join, inner, inner, st.sampled_from(["+", "-", r"\cdot", "", "frac"]))


formulas = st.recursive(numbers.map(lambda n: (str(n), Fraction(n))), joined, max_leaves=6)


@given(formulas)
def test_formulas_of_numbers_are_worth_what_arithmetic_says(made: tuple[str, Fraction]) -> None:
    formula, worth = made
    found = values_of(formula)
    # What is longer is not tried.
    if len(formula) <= 300:
        assert found is not None
        assert found.values == (worth,) * 3


@given(formulas, formulas)
def test_formulas_are_equal_if_they_are_worth_the_same(
    one: tuple[str, Fraction], other: tuple[str, Fraction]
) -> None:
    decided = equal_by_parts(one[0], other[0], KNOWN_FIRST)
    assert decided in (None, one[1] == other[1])


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        (r"\frac{3+2\sqrt{3}}{3}", r"1 + \frac{2\sqrt{3}}{3}", True),
        (r"\sqrt{8}", r"2\sqrt{2}", True),
        (r"\sqrt{66}", r"\sqrt{67}", False),
        (r"\sec^2 y", r"\tan^2(y) + 1", True),
        (r"\cot x", r"\frac{\cos x}{\sin x}", True),
        ("6 - 5i", "-5i + 6", True),
        ("6 - 5i", "6 + 5i", False),
        ("x^2 - 1", "(x-1)(x+1)", True),
        ("x^2 - 1", "(x-1)^2", False),
        (r"\binom{5}{2} \cdot 3!", "60", True),
        (r"918\frac{1}{2}", "918.5", True),
        ("y = 2x + 3", "y = 3 + 2x", True),
        ("y = 2x + 3", "y = 2x", False),
        ("y = 2x + 3", "z = 2x + 3", None),
        ("(1, 2)", r"(1, \frac{4}{2})", True),
        ("(1, 2)", "(2, 1)", False),
        ("(1, 2)", "(1, 2, 3)", False),
        ("(1, 2]", "[1, 2]", False),
        ("(1, 2)", r"\{1, 2\}", None),
        ("13", "(6, 7)", False),
        ("3", r"\{3\}", None),
        ("1, 2", "2, 1", None),
        ("1, 2", "1, 3", False),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{bmatrix} 1 \\ \frac{4}{2} \end{bmatrix}", True),
        # As a program prints them that took a backslash for an escape.
        (r"\begin{pmatrix} 1 \\ -2 \end{pmatrix}", r"\begin{pmatrix}1\-2\end{pmatrix}", True),
        (r"\begin{pmatrix} 1 & 0 \\ 0 & 3 \end{pmatrix}", r"\begin{pmatrix}1 & 0 \ 0 & 3\end{pmatrix}", True),
        (r"\begin{pmatrix} 1 & 0 \\ 0 & 3 \end{pmatrix}", r"\begin{pmatrix}1 & 0 \ 0 & 2\end{pmatrix}", False),
        (r"\begin{pmatrix} 1 \\ -2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", False),
        (r"(2,\infty)", "[2, \\infty)", False),
        (r"(-\infty,1)\cup(1,\infty)", r"(1,\infty) \cup (-\infty, 1)", True),
        (r"(2,12) \cup (12,102)", "(2, 102)", False),
        (r"(0,1)\cup[1,2)", "(0,2)", True),
        (r"(0,2)\cup(1,3)", "(0,3)", None),
        (r"-\sqrt{5} < x <\sqrt{5}", r"(-\sqrt{3}, \sqrt{3})", False),
        (r"1 < x \le 2", "(1, 2)", False),
        (r"1 < x \le 2", "(1, 2]", None),
        # Roots may be of either sign.
        (r"\sqrt{x^2}", "x", False),
        # Nobody knows which is meant.
        ("1/2x", r"\frac{x}{2}", None),
        ("f(3)", "3f", None),
        (r"\log 8", r"\ln 8", None),
        (r"2 \pm 1", "3", None),
        ("abc", "cab", None),
        ("x < 2", "x < 3", None),
        # Units, where nothing else is of letters.
        (r"\frac{40}{\pi} square meters", r"\frac{40}{\pi}", True),
        (r"\frac{40}{\pi} square meters", r"\frac{50}{\pi}", False),
        ("12 cm", "12", True),
        ("12 cm", "13", False),
        ("2 hours", "2 minutes", None),
        ("12th grade", "12", True),
        (r"12^{\text{th}} grade", "12", True),
        (r"\text{east}", "{east}", True),
        ("5 or 6", "5", None),
        ("2 million", "2", None),
        ("40_9", "37_9", False),
        ("2516_8", "2516_{8}", True),
        ("10_2", "2", None),
        ("204_5", "204", True),
        ("2^{9999}", "3^{9999}", None),
    ],
)  # fmt: skip
def test_what_values_tell(first: str, second: str, known: bool | None) -> None:
    assert equal_at_sight(first, second, KNOWN_FIRST) is known
    assert equal_at_sight(second, first, KNOWN_FIRST) is known


def test_rules_keep_values_from_telling_too_much() -> None:
    assert equal_at_sight(r"\sqrt{2}", "1.4142136", KNOWN_FIRST) is None
    assert equal_at_sight(r"\sqrt{2}", "1.41", KNOWN_FIRST) is False
    assert equal_at_sight(r"\sqrt{2}", "1.41", Rules(tolerance=0.01)) is None
    assert equal_at_sight(r"\sqrt{2}", "1.41", Rules(relative=0.01)) is None
    assert equal_at_sight(r"\sqrt{2}", "1.41", Rules(decimals=2)) is None
    assert equal_at_sight("x + 1", "y + 1", Rules(strict=False)) is None


@given(st.text(alphabet=r"0123456789xyi+-*/^!()[]{}\ ,.=fracsqtpi", max_size=30))
def test_any_text_is_read_or_not_and_nothing_breaks(text: str) -> None:
    assert equal_by_parts(text, "(1, 2)", KNOWN_FIRST) in (True, False, None)
    assert equal_at_sight(text, rf"(0, 1) \cup {text}", KNOWN_FIRST) in (True, False, None)
