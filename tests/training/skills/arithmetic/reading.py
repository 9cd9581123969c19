"""Reads steps without the code that writes them: every equation is evaluated again, by fractions."""

from __future__ import annotations

import ast
import operator
import re
from fractions import Fraction

from tests.training.skills.products.reading import check_arithmetic

_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_BOX = re.compile(r"\n\n\\boxed\{(-?\d+)\}$")
_DIVIDED = re.compile(r"(\d+)/(\d+) write (\d) rest (\d+)")


def evaluated(text: str) -> Fraction:
    """What an expression with brackets comes to."""
    return _value(ast.parse(text.replace(" ", ""), mode="eval").body)


def read_chain(text: str, expression: str) -> Fraction:
    """The answer of a chain, once each of its lines has been found right."""
    boxed = _BOX.search(text)
    assert boxed, text
    lines = text[: boxed.start()].split("\n")
    check_lines(lines, evaluated(expression))
    assert lines[-1].endswith(f"={boxed[1]}")
    return Fraction(boxed[1])


def check_lines(lines: list[str], value: Fraction) -> None:
    """Fails where a line is wrong: what has brackets and is no equation has to be worth the whole."""
    columns = [line if " carry " in line or " borrow " in line else "" for line in lines]
    check_arithmetic("\n".join(columns))
    for number, line in enumerate(lines):
        divided = _DIVIDED.fullmatch(line)
        equations = [word.split("=") for word in line.split() if "=" in word]
        if divided:
            part, second, digit, rest = map(int, divided.groups())
            assert divmod(part, second) == (digit, rest), line
        elif equations:
            assert all(evaluated(left) == evaluated(right) for left, right in equations), line
        elif "(" in line:
            assert evaluated(line) == value, line
        else:
            # What is computed next: what it comes to is found below it.
            found = [below.rpartition("=")[2] for below in lines[number:]]
            assert str(evaluated(line)) in found, line


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            return Fraction(_OPERATIONS[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.Constant(value=int(number)):
            return Fraction(number)
    raise AssertionError(ast.dump(node))
