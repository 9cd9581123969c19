"""Draws expressions: as the task `arithmetic` of `evals` makes them, or a little beyond. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from evals.tasks import nested_operations
from evals.tasks.nested_operations import Operation, value_of

from ..products.held_out import held_out_product
from .expression import innermost
from .held_out import held_out_expression


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
        made = nested_operations.drawn(random, random.choice(kind.operations), kind.numbers)
        if isinstance(made, Operation) and not (is_held_out(made) or _is_a_product(made)):
            return made


def is_held_out(operation: Operation) -> bool:
    """Whether no lesson shows it: the expression is held out, or one of its products is."""
    return held_out_expression(str(operation)) or _has_held_out_product(operation)


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
