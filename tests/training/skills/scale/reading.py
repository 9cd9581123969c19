"""Reads finished texts anew, without the code that wrote them."""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def _divided(a: int, b: int) -> int:
    assert a % b == 0
    return a // b


_OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
}


def value(expression: str) -> int:
    return _value(ast.parse(expression, mode="eval").body)


def multiplied(expression: str) -> Iterator[tuple[int, int]]:
    """What each `*` of an expression multiplies."""
    for node in ast.walk(ast.parse(expression, mode="eval")):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            yield _value(node.left), _value(node.right)


def wrong_equations(text: str) -> list[str]:
    """The equations in a text that do not hold; all others are of whole numbers."""
    found = re.findall(r"\S*\d=-?\d+", text)
    return [one for one in found if value(one.split("=")[0]) != int(one.split("=")[1])]


def boxed(text: str) -> int:
    (found,) = re.findall(r"\\boxed\{(-?\d+)\}$", text)
    return int(found)


def results(outline: Mapping[str, Any]) -> list[int]:
    """What the steps of an outline come to but the last, from their tasks alone."""
    found: list[int] = []
    for step in outline["steps"][:-1]:
        task = step["task"]
        if match := re.fullmatch(r"Find (.*)\.", task):
            assert step["needs"] == []
            found.append(value(match[1]))
        elif match := re.fullmatch(r"Add (\d+) to the result of step (\d+)\.", task):
            assert step["needs"] == [int(match[2])]
            found.append(found[int(match[2]) - 1] + int(match[1]))
        else:
            match = re.fullmatch(r"Take (\d+) from the result of step (\d+)\.", task)
            assert match is not None, task
            assert step["needs"] == [int(match[2])]
            found.append(found[int(match[2]) - 1] - int(match[1]))
    return found


def is_right(text: str) -> bool:
    """Whether what is given and the results that the last step needs lead to one and the same answer."""
    outline = json.loads(text)
    given, last = outline["conditions"], outline["steps"][-1]
    try:
        found = results(outline)
    except (AssertionError, IndexError):
        return False
    needed = [found[need - 1] for need in last["needs"]]
    return not needed or value(given) in _combinations(given, needed, last["task"])


def _combinations(given: str, needed: Sequence[int], task: str) -> set[int]:
    """What a last step may come to that has these results."""
    if times := re.search(r"by (\d+)\.$", task):
        return {needed[-1] * int(times[1])}
    if task == "Multiply the results.":
        return {math.prod(needed)}
    signed = re.findall(r"([+-]?)([\d*]+)", given)
    plain = sum(int(f"{sign}{term}") for sign, term in signed if "*" not in term)
    # What is taken away is the last term, or the last of its parts.
    sums = {plain + sum(needed)}
    if signed[-1][0] == "-" and "*" in signed[-1][1]:
        sums |= {
            plain + sum(needed[:place]) - sum(needed[place:]) for place in range(1, len(needed))
        }
    return sums


def _value(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand)
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int)
    return node.value
