"""Whether an expression makes 24 of four numbers, each used once. Exact, and nothing is evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from .moves import TARGET

# Longer than any that uses four numbers, short enough for recursion.
_LONGEST = 100
_TOKEN = re.compile(r"\s*(\d+|[-+*/()])")


def makes_24(numbers: Sequence[int | Fraction], answer: str) -> bool:
    """Whether `answer`, such as `(10 - 4) * 5 - 6 = 24`, solves the puzzle of these numbers.

    Only what stands before the first `=` counts.

    >>> makes_24([4, 5, 6, 10], "(10 - 4) * 5 - 6 = 24"), makes_24([4, 5, 6, 10], "6 * 4 = 24")
    (True, False)
    """
    expression = answer.partition("=")[0].strip()
    used = sorted(map(int, re.findall(r"\d+", expression[:_LONGEST])))
    return used == sorted(numbers) and value_of(expression) == TARGET


@lru_cache(maxsize=10_000)
def value_of(expression: str) -> Fraction | None:
    """What an expression of whole numbers is worth; None if it is none, or divides by zero.

    >>> print(value_of("8 / (3 - 8 / 3)"), value_of("8 / 0"))
    24 None
    """
    if len(expression) > _LONGEST:
        return None
    try:
        return _Reader(expression).value()
    except (SyntaxError, ZeroDivisionError):
        return None


async def same_value(first: str, second: str) -> bool:
    """Whether two expressions are worth the same: an `Equality` of methods, as the usual one sees them, but at once."""
    return value_of(first) == value_of(second)


class _Reader:
    """Sums of products of numbers and of what is in brackets."""

    def __init__(self, expression: str) -> None:
        self._tokens = _TOKEN.findall(expression)
        if re.sub(r"\s", "", expression) != "".join(self._tokens):
            raise SyntaxError(expression)

    def value(self) -> Fraction:
        value = self._sum()
        if self._tokens:
            raise SyntaxError(self._tokens[0])
        return value

    def _sum(self) -> Fraction:
        value = self._product()
        while self._next("+-"):
            sign = 1 if self._take() == "+" else -1
            value += sign * self._product()
        return value

    def _product(self) -> Fraction:
        value = self._atom()
        while self._next("*/"):
            value = value * self._atom() if self._take() == "*" else value / self._atom()
        return value

    def _atom(self) -> Fraction:
        token = self._take()
        if token == "(":
            value = self._sum()
            if self._take() != ")":
                raise SyntaxError(token)
            return value
        if not token.isdigit():
            raise SyntaxError(token)
        return Fraction(token)

    def _next(self, operators: str) -> bool:
        return bool(self._tokens) and self._tokens[0] in operators

    def _take(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""
