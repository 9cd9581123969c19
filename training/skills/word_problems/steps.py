"""The steps that compute a formula, in the order and the form in which a plan has them. Pure and exact.

(a*b + c) - d*e    1. a*b    2. d*e    3. $1 + c    4. $3 - $2

What depends on nothing comes first, in the order in which the text names it; what depends on that comes next. Where
the order of two operands does not matter, results come before numbers, and numbers as the text has them. It knows
neither tools nor texts.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, reduce
from typing import NamedTuple, TypeAlias

OPERATIONS: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}

_SYMBOLS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What the step of this number, from 1 on, gives."""

    step: int


Operand: TypeAlias = Result | Fraction


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, `+`, `-`, `*` or `/`, on numbers and earlier results."""

    operation: str
    left: Operand
    right: Operand

    @property
    def needs(self) -> tuple[int, ...]:
        """The steps whose results it takes."""
        return tuple(side.step for side in (self.left, self.right) if isinstance(side, Result))


class NumberStep(NamedTuple):
    """One operation on numbers."""

    operation: str
    left: Fraction
    right: Fraction

    @property
    def result(self) -> Fraction:
        """What it gives."""
        return OPERATIONS[self.operation](self.left, self.right)

    @property
    def is_whole(self) -> bool:
        """Whether its numbers and its result are."""
        return all(number.denominator == 1 for number in (self.left, self.right, self.result))


@dataclass(frozen=True, slots=True)
class _Node:
    operation: str
    left: _Tree
    right: _Tree


# A name, a number that no name stands for, or an operation on such.
_Tree: TypeAlias = _Node | str | int


def steps_of(
    formula: str, values: Mapping[str, Fraction], order: Sequence[str]
) -> tuple[Step, ...]:
    """The steps of a formula of `+ - * / ( )`, names of one letter and whole numbers.

    Args:
        formula: What is computed; an operation that it has twice is one step.
        values: Of the names.
        order: The names, as the text has them.
    """
    places = {name: place for place, name in enumerate(order)}

    def place(tree: _Tree) -> int:
        if isinstance(tree, _Node):
            return min(place(tree.left), place(tree.right))
        # What a word such as "twice" says comes last.
        return places[tree] if isinstance(tree, str) else len(places)

    tree = _in_order(_tree(formula), place)
    nodes = sorted(set(_nodes(tree)), key=lambda node: (_depth(node), place(node), repr(node)))
    numbers = {node: number for number, node in enumerate(nodes, start=1)}

    def operand(tree: _Tree) -> Operand:
        if isinstance(tree, _Node):
            return Result(numbers[tree])
        return values[tree] if isinstance(tree, str) else Fraction(tree)

    def rank(tree: _Tree) -> tuple[bool, int]:
        is_number = not isinstance(tree, _Node)
        return is_number, place(tree) if is_number else numbers[tree]  # type: ignore[index]  # a node

    def step(node: _Node) -> Step:
        sides = [node.left, node.right]
        if node.operation in "+*":
            sides.sort(key=rank)
        return Step(node.operation, operand(sides[0]), operand(sides[1]))

    return tuple(map(step, nodes))


def results_of(steps: Iterable[Step]) -> list[Fraction]:
    """What each step gives."""
    results: list[Fraction] = []
    for step in steps:
        left, right = (
            results[side.step - 1] if isinstance(side, Result) else side
            for side in (step.left, step.right)
        )
        results.append(OPERATIONS[step.operation](left, right))
    return results


def with_numbers(steps: Sequence[Step]) -> list[NumberStep]:
    """The steps with the numbers in the place of the results that they take, so that each stands alone."""
    results = results_of(steps)

    def number(side: Operand) -> Fraction:
        return results[side.step - 1] if isinstance(side, Result) else side

    return [NumberStep(step.operation, number(step.left), number(step.right)) for step in steps]


def renumbered(step: Step, number: Callable[[int], int]) -> Step:
    """The step with other numbers of the steps whose results it takes."""
    left, right = (
        Result(number(side.step)) if isinstance(side, Result) else side
        for side in (step.left, step.right)
    )
    return replace(step, left=left, right=right)


def lost_with(step: int, steps: Sequence[Step]) -> list[int]:
    """The numbers of a step and of all that need its result, directly or not."""
    lost = [step]
    for number, other in enumerate(steps, start=1):
        if any(need in lost for need in other.needs):
            lost.append(number)
    return lost


@cache
def _tree(formula: str) -> _Tree:
    return _read(ast.parse(formula, mode="eval").body)


def _read(found: ast.expr) -> _Tree:
    match found:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(left=left, op=op, right=right):
            return _Node(_SYMBOLS[type(op)], _read(left), _read(right))
    raise ValueError(
        f"{ast.unparse(found)!r} in a formula: + - * /, letters and whole numbers only"
    )


def _in_order(tree: _Tree, place: Callable[[_Tree], int]) -> _Tree:
    """The same with the terms of every sum as the text has them; a sum in brackets is one term."""
    if not isinstance(tree, _Node):
        return tree
    if tree.operation != "+":
        left, right = _in_order(tree.left, place), _in_order(tree.right, place)
        return replace(tree, left=left, right=right)
    terms: list[_Tree] = []
    rest: _Tree = tree
    while isinstance(rest, _Node) and rest.operation == "+":
        terms.insert(0, _in_order(rest.right, place))
        rest = rest.left
    terms = sorted([_in_order(rest, place), *terms], key=place)
    return reduce(lambda left, right: _Node("+", left, right), terms)


def _nodes(tree: _Tree) -> list[_Node]:
    return [*_nodes(tree.left), *_nodes(tree.right), tree] if isinstance(tree, _Node) else []


def _depth(tree: _Tree) -> int:
    return 1 + max(_depth(tree.left), _depth(tree.right)) if isinstance(tree, _Node) else 0
