"""The calculator against Python's own arithmetic, and against what should make it hang or run code."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator import ToolError
from orchestrator.toolkit import calculate
from orchestrator.toolkit.expression import Expression, ExpressionError

# An expression as it is written, and as Python computes it exactly.
Written = tuple[str, str]


class Exact(Fraction):
    """A fraction of which fractions come: Python makes an int of a // b, and of such ints floats."""


def _exactly(operation: Any) -> Any:
    return lambda *numbers: Exact(operation(*numbers))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "pos", "abs"):
    setattr(Exact, f"__{_name}__", _exactly(getattr(Fraction, f"__{_name}__")))


def number(text: str) -> Written:
    return text, f"F('{text}')"


NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.decimals(0, 1000, places=3, allow_nan=False).map(str),
    st.sampled_from(["0", "1", ".5", "2.", "1e3", "2.5E-2"]),
).map(number)


def bigger(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    def joined(sign: str, left: Written, right: Written) -> Written:
        # A sign after % might mean a percentage, so it stands in brackets.
        shield = sign == "%" and right[0][0] in "+-"
        text, python = (f"({side})" for side in right) if shield else right
        return f"{left[0]} {sign} {text}", f"{left[1]} {sign} {python}"

    def powered(base: Written, exponent: int, sign: str) -> Written:
        return f"({base[0]}){sign}{exponent}", f"({base[1]})**{exponent}"

    return st.one_of(
        st.builds(joined, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner, inner),
        st.builds(powered, inner, st.integers(-4, 4), st.sampled_from(["**", "^", " ** "])),
        inner.map(lambda one: (f"( {one[0]} )", f"({one[1]})")),
        inner.map(lambda one: (f"-{one[0]}", f"-{one[1]}")),
        inner.map(lambda one: (f"+{one[0]}", f"+{one[1]}")),
        inner.map(lambda one: (f"abs({one[0]})", f"abs({one[1]})")),
        st.builds(
            lambda f, a, b: (f"{f}({a[0]}, {b[0]})", f"{f}({a[1]}, {b[1]})"),
            st.sampled_from(["min", "max"]),
            inner,
            inner,
        ),
    )


EXPRESSIONS = st.recursive(NUMBERS, bigger, max_leaves=12)


@given(EXPRESSIONS)
@example(("2 ** 3 ** 2", "F(2) ** 3 ** 2"))
@example(("-2 ** 2", "-F(2) ** 2"))
@example(("2 ** -1", "F(2) ** -1"))
@example(("(1 // 0.001) ** -1", "(F('1') // F('0.001')) ** -1"))
@example(("(7 // 2) / (4 // 2)", "(F(7) // F(2)) / (F(4) // F(2))"))
@example(("0 % (-1 + 1)", "F(0) % (-F(1) + F(1))"))
@example(("2 * 3 % 4 - -7 // 2", "F(2) * 3 % 4 - -F(7) // 2"))
def test_it_computes_what_python_computes_exactly(written: Written) -> None:
    text, python = written
    try:
        expected: Any = eval(python, {"F": Exact})
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="division by zero"):
            Expression(text).value()
        return
    if len(text) > 1_000 or max(map(abs, Fraction(expected).as_integer_ratio())) > 10**900:
        return
    value, problem = outcome(text)
    # On the way it may have been larger than in the end.
    assert value == expected or "more than 1,000 digits" in problem or "nest deeper" in problem


def outcome(text: str) -> tuple[Any, str]:
    try:
        return Expression(text).value(), ""
    except ExpressionError as error:
        return None, str(error)


@example("1e400")
@given(st.text(max_size=60) | st.text("0123456789.+-*/%^(),e sqrtminlog", max_size=60))
def test_any_text_has_a_result_or_a_located_reason(text: str) -> None:
    value, problem = outcome(text)
    assert "\n" not in problem
    # Whole numbers may be larger than any float, which math.isfinite does not take.
    assert abs(value) < math.inf if not problem else " at " in problem


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("0.1 + 0.2", 0.3),
        ("1/3 * 3", 1),
        ("1 / 3", 1 / 3),
        ("10 / 5", 2),
        ("-7 // 2", -4),
        ("7 % (-3)", -2),
        ("2^10", 1024),
        ("2**0.5", math.sqrt(2)),
        ("(9/4) ** 0.5", 1.5),
        ("sqrt(1/4) + sqrt(16)", 4.5),
        ("sqrt(2)", math.sqrt(2)),
        ("abs(-3/4)", 0.75),
        ("round(2.675, 2)", 2.68),
        ("round(2.5) + round(1234, -2)", 1202),
        ("round(pi, 3)", 3.142),
        ("min(3, 1/2, 2) + max(1, 2)", 2.5),
        ("floor(-7/2) + ceil(0.1)", -3),
        ("log(8, 2)", 3),
        ("log10(1000) + log2(8) + ln(e)", 7),
        ("exp(0)", 1),
        ("sin(0) + cos(0) + tan(0)", 1),
        ("factorial(20)", math.factorial(20)),
        ("factorial(30) // factorial(28)", 870),
        ("1,234,567.5 * 2", 2469135),
        ("max(1,234)", 234),
        ("max(100,200) + 1,000", 1200),
        ("3 \N{MULTIPLICATION SIGN} 4 \N{DIVISION SIGN} 2 \N{MINUS SIGN} 1", 5),
        ("1e3 + .5", 1000.5),
        ("2 ** 1000 % 97", 2**1000 % 97),
        ("(-1) ** (10 ** 500 + 1)", -1),
        ("10 ** -400", 0),
    ],
)
def test_it_is_exact_where_it_can_be(expression: str, value: float) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression", ["4 / 2", "1/3 * 3", "sqrt(16)", "2.5 * 2", "1e3", "4 ** 0.5"]
)
def test_whole_numbers_are_whole(expression: str) -> None:
    assert isinstance(calculate(expression), int)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "expected a number, at the end of ''"),
        ("2 +", "expected a number, at the end of '2 +'"),
        ("(2 * 3", "expected ), at the end of '(2 * 3'"),
        ("2 3", "expected an operator, at character 3: '3'"),
        ("2pi", "expected an operator, at character 2: 'pi'"),
        ("1,23", "expected an operator, at character 2: ',23'"),
        ("max((1,234), 5)", "expected ), at character 7: ',234), 5)'"),
        ("20%", "% gives the remainder: for a percentage write / 100, at character 3: '%'"),
        ("20% * 50", "for a percentage write / 100, at character 3"),
        ("20% - 5", "% - may be a remainder or a percentage: write % (-...) or / 100, at character 3"),
        ("1 / (2 - 2)", "division by zero, at character 3: '/ (2 - 2)'"),
        ("0 ** -1", "division by zero, at character 3"),
        ("5 % 0", "division by zero"),
        ("sqrt(-1)", "a negative number has no real square root, at character 1"),
        ("(-8) ** (1/3)", "a negative number has no real power that is not whole, at character 6"),
        ("log(0)", "a logarithm is one of a positive number"),
        ("log(2, 1)", "a logarithm is one of a positive number"),
        ("factorial(2.5)", "a factorial is one of a whole number from 0 on"),
        ("round(1, 1/2)", "round takes a whole number of digits"),
        ("sqrt(1, 2)", "sqrt does not take 2 numbers, at character 1"),
        ("sin + 1", "expected sin(...), at character 5"),
        ("exp(1000)", "the result is too large, at character 1"),
        ("1/3 + 10**900", "the result is too large for a number with decimals"),
        ("__import__('os').system('ls')", "there is no '__import__': choose from e, pi, abs, "),
        ("x.y", "there is no 'x': choose from"),
        ("0x10", "expected an operator, at character 2"),
        ("[1][0]", "expected a number, at character 1: '[1][0]'"),
        ("lambda: 1", "there is no 'lambda'"),
        ("1 if 1 else 2", "expected an operator, at character 3"),
    ],
)  # fmt: skip
def test_what_has_no_result_says_why_and_where(expression: str, problem: str) -> None:
    with pytest.raises(ToolError) as caught:
        calculate(expression)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "9**9**9**9**9",
        "(9/10)**(10**9)",
        "2**-(10**9)",
        "10**1000 * 10**1000",
        "factorial(100000000)",
        "factorial(factorial(100))",
        "1e999999999",
        "1e-999999999",
        "round(1/3, 10**9)",
        "10**999 * 100",
        "1.5**(10**100)",
    ],
)
def test_what_would_take_for_ever_is_refused_at_once(expression: str) -> None:
    with pytest.raises(ToolError, match=r"1,000"):
        calculate(expression)


def test_length_and_depth_are_bounded() -> None:
    assert calculate("1+" * 499 + "1") == 500
    with pytest.raises(ToolError, match="has 1,001 characters, and 1,000 are the most"):
        calculate("1+" * 500 + "1")
    for start, end in (("(", ")"), ("-", ""), ("2**", ""), ("abs(", ")")):
        text = start * 100 + "1" + end * 100
        with pytest.raises(ToolError, match="nest deeper than 40"):
            calculate(text)


def test_it_is_a_tool_that_a_plan_can_call() -> None:
    assert calculate.specification.pure
    assert calculate.specification.signature == "calculate(expression: string)"
    assert anyio.run(calculate.call, {"expression": "6 * 7"}) == 42
