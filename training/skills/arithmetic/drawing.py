"""Draws expressions: as the task `arithmetic` of `evals` makes them, or a little beyond. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ..products.held_out import held_out_product
from .expression import OPERATIONS, Operation, innermost, joined, value_of
from .held_out import held_out_expression

_LARGEST = 1000
_SHARE_OF_QUOTIENTS = 0.3
_DIVISORS = range(2, 21)
_SIGNS = ("+", "-", "*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of expressions.

    Attributes:
        numbers: Those in it.
        operations: How many.
    """

    numbers: range
    operations: range


USUAL = Kind(numbers=range(2, 21), operations=range(2, 4))
"""As the task has them."""

WIDER = Kind(numbers=range(31), operations=range(1, 5))
"""Other numbers, and other lengths."""


def drawn(random: Random, kind: Kind) -> Operation:
    """An expression that is not held out, and more than one product, which another skill teaches."""
    while True:
        made = _made(random, kind.numbers, random.choice(kind.operations))
        if isinstance(made, Operation) and not (is_held_out(made) or _is_a_product(made)):
            return made


def is_held_out(operation: Operation) -> bool:
    """Whether no lesson shows it: the expression is held out, or one of its products is."""
    return held_out_expression(str(operation)) or _has_held_out_product(operation)


def _made(random: Random, numbers: range, operations: int) -> Operation | int:
    if not operations:
        return random.choice(numbers)
    on_the_left = random.randrange(operations)
    left = _made(random, numbers, on_the_left)
    right = _made(random, numbers, operations - 1 - on_the_left)
    value = value_of(left)
    divisors = [number for number in _DIVISORS if value % number == 0]
    if divisors and isinstance(right, int) and random.random() < _SHARE_OF_QUOTIENTS:
        return joined("/", left, random.choice(divisors))
    fitting = [sign for sign in _SIGNS if abs(OPERATIONS[sign](value, value_of(right))) <= _LARGEST]
    return joined(random.choice(fitting), left, right)


def _is_a_product(operation: Operation) -> bool:
    return operation.sign == "*" and operation is innermost(operation)


def _has_held_out_product(operand: Operation | int) -> bool:
    if isinstance(operand, int):
        return False
    left, right = abs(value_of(operand.left)), abs(value_of(operand.right))
    return (
        (operand.sign == "*" and held_out_product(left, right))
        or _has_held_out_product(operand.left)
        or _has_held_out_product(operand.right)
    )
