"""Reads an expression and computes it, from left to right and once. Nothing is ever evaluated as code. Pure.

Operators bind as in Python: `+ -`, then `* / // %`, then signs, then `**`, which `^` means too. Beyond that, numbers
may have thousands separators outside of a function's brackets, where a comma stands between its numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from .exact import CONSTANTS, FUNCTIONS, Number, divide, from_digits, power, simplest

MOST_CHARACTERS = 1_000
_MOST_DEPTH = 40

_TOKEN = re.compile(r"\*\*|//|[-+*/%^(),]|[A-Za-z_]\w*|", re.ASCII)
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d*)?", re.ASCII)
_OTHER_SIGNS = str.maketrans(
    {"\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-"}
)

_SUMS: Mapping[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
}
_PRODUCTS: Mapping[str, Callable[[Number, Number], Number]] = {
    "*": operator.mul,
    "/": divide,
    "//": operator.floordiv,
    "%": operator.mod,
}
_NO_OPERAND = (*_PRODUCTS, "**", "^", ")", ",")


class ExpressionError(ValueError):
    """An expression cannot be computed; the message says why and where."""


class Expression:
    """An expression; computed once.

    Args:
        text: What is written.

    Raises:
        ExpressionError: It is too long.

    >>> Expression("1/3 + 2 * (1,000 - 999)").value()
    Fraction(7, 3)
    """

    def __init__(self, text: str) -> None:
        self._text = text.translate(_OTHER_SIGNS).rstrip()
        self._position = 0
        self._depth = 0
        self._calls = 0
        if len(text) > MOST_CHARACTERS:
            raise ExpressionError(
                f"the expression has {len(text):,} characters, and {MOST_CHARACTERS:,} are the most"
            )
        self._next = self._scan()

    def value(self) -> Number:
        """What it comes to.

        Raises:
            ExpressionError: It is no expression, has no result, or one of too many digits.
        """
        value = self._sum()
        if self._position < len(self._text):
            raise self._error("expected an operator")
        return value

    def _sum(self) -> Number:
        return self._chain(_SUMS, self._product)

    def _product(self) -> Number:
        return self._chain(_PRODUCTS, self._signed)

    def _chain(
        self,
        operators: Mapping[str, Callable[[Number, Number], Number]],
        operand: Callable[[], Number],
    ) -> Number:
        value = operand()
        while (sign := self._next) in operators:
            place = self._position
            self._take()
            if sign == "%":
                self._check_remainder(place)
            value = self._computed(place, operators[sign], value, operand())
        return value

    def _signed(self) -> Number:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error(f"brackets, signs and powers nest deeper than {_MOST_DEPTH}")
        if (sign := self._next) in ("+", "-"):
            self._take()
            value = self._signed()
            value = -value if sign == "-" else value
        else:
            value = self._power()
        self._depth -= 1
        return value

    def _power(self) -> Number:
        base = self._atom()
        if self._next not in ("**", "^"):
            return base
        place = self._position
        self._take()
        return self._computed(place, power, base, self._signed())

    def _atom(self) -> Number:
        place = self._position
        if self._next == "(":
            self._take()
            value = self._sum()
            self._close()
            return value
        if self._next and self._next[0].isidentifier():
            return self._named(place, self._take())
        number = None if self._calls else _GROUPED.match(self._text, place)
        number = number or _NUMBER.match(self._text, place)
        if number is None:
            raise self._error("expected a number")
        self._position = number.end()
        self._next = self._scan()
        return self._computed(place, from_digits, number[0].replace(",", ""))

    def _named(self, place: int, name: str) -> Number:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name not in FUNCTIONS:
            known = ", ".join([*CONSTANTS, *FUNCTIONS])
            raise self._error(f"there is no {name!r}: choose from {known}", place)
        if self._next != "(":
            raise self._error(f"expected {name}(...)")
        function, arguments = FUNCTIONS[name], self._arguments()
        if not function.least <= len(arguments) <= (function.most or len(arguments)):
            raise self._error(f"{name} does not take {len(arguments)} numbers", place)
        return self._computed(place, function.of, *arguments)

    def _arguments(self) -> list[Number]:
        self._take()
        self._calls += 1
        values = [self._sum()]
        while self._next == ",":
            self._take()
            values.append(self._sum())
        # What follows the bracket may be outside of all functions again.
        self._calls -= 1
        self._close()
        return values

    def _close(self) -> None:
        if self._next != ")":
            raise self._error("expected )")
        self._take()

    def _take(self) -> str:
        taken = self._next
        self._position += len(taken)
        self._next = self._scan()
        return taken

    def _scan(self) -> str:
        """The operator, bracket or name that comes next; empty before a number and at the end."""
        while self._text[self._position : self._position + 1].isspace():
            self._position += 1
        token = _TOKEN.match(self._text, self._position)
        return "" if token is None else token[0]

    def _check_remainder(self, place: int) -> None:
        """Refuses what means a percentage, or might."""
        if self._next in _SUMS:
            raise self._error(
                f"% {self._next} may be a remainder or a percentage: write % ({self._next}...) or / 100",
                place,
            )
        if self._next in _NO_OPERAND or self._position == len(self._text):
            raise self._error("% gives the remainder: for a percentage write / 100", place)

    def _computed(
        self, place: int, function: Callable[..., Number], *values: Number | str
    ) -> Number:
        try:
            return simplest(function(*values))
        except ZeroDivisionError:
            raise self._error("division by zero", place) from None
        except OverflowError:
            raise self._error("the result is too large", place) from None
        except ValueError as error:
            raise self._error(str(error), place) from None

    def _error(self, problem: str, place: int | None = None) -> ExpressionError:
        place = self._position if place is None else place
        if place >= len(self._text):
            return ExpressionError(f"{problem}, at the end of {self._text[-20:]!r}")
        found = self._text[place : place + 20]
        return ExpressionError(f"{problem}, at character {place + 1}: {found!r}")
