"""Nested operations on whole numbers, such as 16-((3*12)/9). Pure and exact.

It does not know how questions put them, nor how they are solved.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

OPERATIONS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv}
)
"""What a sign does; quotients have no remainder here."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        sign: One of `OPERATIONS`.
        left: What stands before the sign.
        right: What stands behind it; where it divides, a number above 0 that leaves no remainder.
        value: What it comes to.
    """

    sign: str
    left: Operation | int
    right: Operation | int
    value: int

    def written(self, space: str = "") -> str:
        """With brackets around each operation in it, and such a space around signs.

        >>> joined("-", 16, joined("*", 3, 12)).written(" ")
        '16 - (3 * 12)'
        """
        left, right = (_operand(each, space) for each in (self.left, self.right))
        return f"{left}{space}{self.sign}{space}{right}"

    def __str__(self) -> str:
        return self.written()


def joined(sign: str, left: Operation | int, right: Operation | int) -> Operation:
    """Two operands, and what they come to."""
    return Operation(sign, left, right, OPERATIONS[sign](value_of(left), value_of(right)))


def value_of(operand: Operation | int) -> int:
    """The value of an operation, or a number itself."""
    return operand if isinstance(operand, int) else operand.value


def innermost(operation: Operation) -> Operation:
    """The first whose operands are numbers: what stands before the first closing bracket.

    >>> str(innermost(joined("*", joined("-", 13, 4), joined("+", 2, 3))))
    '13-4'
    """
    for operand in (operation.left, operation.right):
        if isinstance(operand, Operation):
            return innermost(operand)
    return operation


def simplified(operation: Operation) -> Operation | int:
    """With a number in the place of the innermost operation.

    >>> str(simplified(joined("*", joined("-", 13, 4), joined("+", 2, 3))))
    '9*(2+3)'
    """
    left, right = operation.left, operation.right
    if isinstance(left, Operation):
        return Operation(operation.sign, simplified(left), right, operation.value)
    if isinstance(right, Operation):
        return Operation(operation.sign, left, simplified(right), operation.value)
    return operation.value


def _operand(operand: Operation | int, space: str) -> str:
    return str(operand) if isinstance(operand, int) else f"({operand.written(space)})"
