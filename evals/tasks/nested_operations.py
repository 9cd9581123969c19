"""Nested operations on whole numbers, such as 16-((3*12)/9). Pure and exact.

It does not know how questions put them, nor how they are solved. `arithmetic` asks for them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

OPERATIONS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv}
)
"""What a sign does; quotients have no remainder here."""

_DIVISORS = range(2, 21)
_LARGEST = 1000
_SHARE_OF_QUOTIENTS = 0.3
_SIGNS = ("+", "-", "*")


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


def drawn(chance: Random, operations: int, numbers: range) -> Operation | int:
    """An expression of so many operations of such numbers, nested at random; no value on the way is beyond 1,000.

    Quotients have no remainder and are by a number from 2 to 20.
    """
    if not operations:
        return chance.choice(numbers)
    on_the_left = chance.randrange(operations)
    left = drawn(chance, on_the_left, numbers)
    right = drawn(chance, operations - 1 - on_the_left, numbers)
    value = value_of(left)
    divisors = [number for number in _DIVISORS if value % number == 0]
    if divisors and isinstance(right, int) and chance.random() < _SHARE_OF_QUOTIENTS:
        return joined("/", left, chance.choice(divisors))
    fitting = [sign for sign in _SIGNS if abs(OPERATIONS[sign](value, value_of(right))) <= _LARGEST]
    return joined(chance.choice(fitting), left, right)


def _operand(operand: Operation | int, space: str) -> str:
    return str(operand) if isinstance(operand, int) else f"({operand.written(space)})"
