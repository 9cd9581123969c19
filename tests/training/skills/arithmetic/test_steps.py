from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evals.tasks.nested_operations import Operation, joined
from tests.training.skills.arithmetic.reading import check_lines, evaluated
from training.skills.arithmetic.steps import solution, step

NUMBERS = st.one_of(st.integers(-20, 20), st.integers(-1000, 1000))
EXPRESSIONS: st.SearchStrategy[Operation | int] = st.recursive(
    st.integers(-30, 30),
    lambda inner: st.builds(joined, st.sampled_from("+-*"), inner, inner),
    max_leaves=5,
)


@given(st.sampled_from("+-*"), NUMBERS, NUMBERS)
def test_a_step_is_right_whatever_the_signs(sign: str, left: int, right: int) -> None:
    check_step(sign, left, right)


@given(NUMBERS, st.integers(1, 40))
def test_so_is_a_quotient(value: int, divisor: int) -> None:
    check_step("/", value * divisor, divisor)


def check_step(sign: str, left: int, right: int) -> None:
    lines = step(sign, left, right).split("\n")
    asked = f"{left}{sign}{right}"
    value = evaluated(asked)
    assert lines[0].startswith(asked)
    assert lines[-1] == f"{asked}={value}"
    # Whatever has brackets is a sign that was decided, and stands in an equation.
    check_lines(lines, value)
    assert not any("--" in line or "+-" in line for line in lines[1:-1])


@given(EXPRESSIONS.filter(lambda each: isinstance(each, Operation)))
def test_whole_expressions_are_solved_from_the_inside(expression: Operation) -> None:
    lines = solution(expression).split("\n")
    assert evaluated(str(expression)) == expression.value
    check_lines(lines, evaluated(str(expression)))
    assert lines[-1].endswith(f"={expression.value}")
    whole = [line for line in lines if "(" in line and "=" not in line]
    # Each time an operation less.
    assert len(whole) == max(0, _operations(expression) - 2)
    assert [line.count("(") for line in whole] == list(range(len(whole), 0, -1))


def _operations(operand: Operation | int) -> int:
    if isinstance(operand, int):
        return 0
    return 1 + _operations(operand.left) + _operations(operand.right)


def test_the_sign_is_decided_before_the_magnitude() -> None:
    assert step("-", 5, 12).split("\n")[0] == "5-12=-(12-5)"
    assert step("+", -12, 5).split("\n")[0] == "-12+5=-(12-5)"
    assert step("-", -5, -12).split("\n")[0] == "-5--12=12-5"
    assert step("-", -5, 12).split("\n")[0] == "-5-12=-(5+12)"
    assert step("*", -5, -7) == "-5*-7=5*7\n5*7=35\n-5*-7=35"
    assert step("/", -56, 7) == "-56/7=-(56/7)\n56/7=8\n-56/7=-8"
    assert step("-", 13, 8) == "13-8=5"
