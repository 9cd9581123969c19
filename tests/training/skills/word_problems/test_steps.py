"""Steps: they compute their formula, in the order that plans have them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.skills.word_problems.steps import (
    Result,
    Step,
    lost_with,
    results_of,
    steps_of,
)

_VALUES = {
    letter: Fraction(value) for letter, value in zip("abcdef", (7, 3, 5, 2, 9, 4), strict=True)
}
_leaf = st.sampled_from(["a", "b", "c", "d", "2", "10"])
_formulas = st.recursive(
    _leaf,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({''.join(t)})"),
    max_leaves=6,
).filter(lambda formula: not formula.isalnum())


def shown(steps: tuple[Step, ...]) -> list[str]:
    def side(operand: Result | Fraction) -> str:
        return f"${operand.step}" if isinstance(operand, Result) else str(operand)

    return [f"{side(step.left)}{step.operation}{side(step.right)}" for step in steps]


@given(_formulas, st.permutations("abcd"))
def test_the_last_step_gives_the_value_of_the_formula(formula: str, order: list[str]) -> None:
    value = eval(formula, {}, dict(_VALUES))
    assert results_of(steps_of(formula, _VALUES, order))[-1] == value


@pytest.mark.parametrize(
    ("formula", "order", "expected"),
    [
        ("a*b+c", "abc", ["7*3", "$1+5"]),
        ("a*b+c", "cba", ["3*7", "$1+5"]),
        ("c-a*b", "abc", ["7*3", "5-$1"]),
        ("a*b+c*d", "cdab", ["5*2", "7*3", "$1+$2"]),
        ("a*b+c*d+e*f", "efabcd", ["9*4", "7*3", "5*2", "$1+$2", "$3+$4"]),
        ("a+b+c", "cab", ["5+7", "$1+3"]),
        ("a*2+a", "a", ["7*2", "$1+7"]),
        ("a*2+(a*2-c)", "ac", ["7*2", "$1-5", "$1+$2"]),
    ],
)
def test_steps_that_need_nothing_come_first_and_as_the_text_has_them(
    formula: str, order: str, expected: list[str]
) -> None:
    assert shown(steps_of(formula, _VALUES, order)) == expected


def test_what_needs_a_lost_result_is_lost_too() -> None:
    steps = steps_of("a*b+c*d-e", _VALUES, "abcde")
    assert lost_with(1, steps) == [1, 3, 4]
    assert lost_with(4, steps) == [4]


def test_a_formula_of_anything_else_is_refused() -> None:
    with pytest.raises(ValueError, match="in a formula"):
        steps_of("min(a, b)", _VALUES, "ab")
