"""Reads a plain formula and computes it, in one pass: sums of products of powers. It knows no places and no answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .fields import Field

_TOKEN = re.compile(
    r"\s*(\d+\.?\d*|\.\d+|\\[a-zA-Z]+|\*\*|[A-Za-z](?:_(?:\w|\{\w+\}))?|[-+*/^!()\[\]{}])"
)
_TIMES = frozenset({"*", r"\cdot", r"\times"})
_OVER = frozenset({"/", r"\div"})
_FRACTIONS = frozenset({r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"})
_OPEN = {"(": ")", "[": "]", "{": "}"}
# E may be e.
_VARIABLE = re.compile(r"[A-DF-Za-z]|[A-Za-z]_.+")
_RAISED = frozenset({"^", "**"})
_INFINITY = Fraction(10**15 + 37)  # of which nobody writes down the number
_MOST_BITS = 4096
_HIGHEST = 1000  # an exponent, or what a factorial is of


class Unknown(ValueError):
    """Not a formula that is known here."""


class FormulaReader:
    """Computes one formula.

    Args:
        text: The formula.
        place: What a variable is worth, by its name.
        field: How to compute what is no fraction.

    Attributes:
        largest: The largest number on the way that is no fraction.
    """

    def __init__(self, text: str, place: Callable[[str], Fraction], field: Field) -> None:
        self._tokens = _TOKEN.findall(text)
        if re.sub(r"\s", "", text) != "".join(self._tokens):
            raise Unknown(text)
        self._next = 0
        self._field = field
        self._place = place
        self._numbers = {"i": field.i, "e": field.e, r"\pi": field.pi, r"\infty": _INFINITY}
        self.largest = 0.0

    def read(self) -> Any:
        """What it is worth.

        Raises:
            ValueError: It is not known here, or too large.
            ArithmeticError: It divides by zero, or overflows.
        """
        value = self._sum()
        if self._peek():
            raise Unknown(self._peek())
        return value

    def _sum(self) -> Any:
        value = self._product()
        while self._peek() in ("+", "-"):
            plus = self._take() == "+"
            term = self._product()
            value = self._add(value, term if plus else -term)
        return value

    def _product(self) -> Any:
        value, divided = self._signed(), False
        while token := self._peek():
            if token in _TIMES:
                self._take()
                value = self._multiply(value, self._signed())
            elif token in _OVER:
                self._take()
                value, divided = self._divide(value, self._signed()), True
            elif token[0].isalpha() or token[0] in "([{\\":
                if divided:
                    raise Unknown("whether 1/2x is 1/(2x)")
                value = self._beside(value)
            else:
                break
        return value

    def _beside(self, value: Any) -> Any:
        """Two factors without a sign between them."""
        before, token = self._tokens[self._next - 1], self._peek()
        if before[0].isalpha() and token in _OPEN:
            # A function of something, as like as not.
            raise Unknown(token)
        if token in _FRACTIONS and before[0].isdigit():
            return self._mixed(value)
        return self._multiply(value, self._power())

    def _mixed(self, value: Any) -> Any:
        r"""`1\frac{1}{2}` is 1.5 where all are whole, and nobody knows what it is elsewhere."""
        start = self._next
        alone = start == 1 or self._tokens[start - 2] in ("+", "-", "(", "{", "[")
        part = self._power()
        plain = re.fullmatch(r"\{?\d+\}?\{?\d+\}?", "".join(self._tokens[start + 1 : self._next]))
        if not alone or not plain or self._peek() not in ("", "+", "-", ")", "}", "]"):
            raise Unknown("a mixed number")
        return value + part

    def _signed(self) -> Any:
        if self._peek() in ("+", "-"):
            minus = self._take() == "-"
            value = self._signed()
            return -value if minus else value
        return self._power()

    def _power(self) -> Any:
        value = self._atom()
        while self._peek() == "!":
            self._take()
            value = Fraction(math.factorial(_counted(value)))
        if self._peek() in _RAISED:
            self._take()
            value = self._raise(value, self._exponent())
            if self._peek() in _RAISED or self._peek() == "!":
                raise Unknown("a tower")
        return value

    def _exponent(self) -> Any:
        if self._peek() in ("+", "-"):
            minus = self._take() == "-"
            value = self._atom()
            return -value if minus else value
        return self._atom()

    def _atom(self) -> Any:
        token = self._take()
        if token in _OPEN:
            return self._until(_OPEN[token])
        if token in _FRACTIONS:
            over = self._argument()
            return self._divide(over, self._argument())
        if token == r"\binom":
            over = _counted(self._argument())
            return Fraction(math.comb(over, _counted(self._argument())))
        if token == r"\sqrt":
            return self._root()
        if token in self._field.functions:
            return self._function(token)
        if token and (token[0].isdigit() or token[0] == "."):
            return Fraction(token)
        if token in self._numbers:
            return self._numbers[token]
        if _VARIABLE.fullmatch(token):
            return self._place(token)
        raise Unknown(token)

    def _root(self) -> Any:
        if self._peek() != "[":
            return self._square_root(self._argument())
        self._take()
        index = _counted(self._until("]"))
        value = self._argument()
        if not isinstance(value, Fraction) or value < 0 or not 2 <= index <= 16:
            raise Unknown("a root")
        return self._seen(self._field.of(value) ** (self._field.of(1) / index))

    def _square_root(self, value: Any) -> Any:
        if isinstance(value, Fraction) and value >= 0:
            over, under = math.isqrt(value.numerator), math.isqrt(value.denominator)
            if over * over == value.numerator and under * under == value.denominator:
                return Fraction(over, under)
        return self._seen(self._field.sqrt(self._field.of(value)))

    def _function(self, name: str) -> Any:
        exponent = 1
        if self._peek() == "^":
            self._take()
            # The power of -1 is the inverse function.
            exponent = _counted(self._argument())
        if self._peek() in _OPEN:
            # A power behind it is of the function.
            value = self._atom()
        else:
            value = self._power()
            while (token := self._peek()) and self._is_symbol(token):
                value = self._multiply(value, self._power())
            if self._peek() in _OVER or self._peek() in _OPEN:
                raise Unknown("where the function ends")
        result = self._field.functions[name](self._field.of(value))
        return self._seen(result**exponent)

    def _is_symbol(self, token: str) -> bool:
        return token in self._numbers or token in _FRACTIONS or bool(_VARIABLE.fullmatch(token))

    def _argument(self) -> Any:
        """What follows a command: in braces, or a digit of what follows."""
        token = self._peek()
        if not token[:1].isdigit() or len(token) == 1:
            return self._atom()
        if not token.isdigit():
            raise Unknown(token)
        self._tokens[self._next : self._next + 1] = [token[0], token[1:]]
        return self._atom()

    def _until(self, end: str) -> Any:
        value = self._sum()
        if self._take() != end:
            raise Unknown(end)
        return value

    def _add(self, one: Any, other: Any) -> Any:
        one, other = self._alike(one, other)
        return self._seen(one + other)

    def _multiply(self, one: Any, other: Any) -> Any:
        one, other = self._alike(one, other)
        return self._seen(one * other)

    def _divide(self, over: Any, under: Any) -> Any:
        over, under = self._alike(over, under)
        # Of a difference next to zero nothing is left but noise.
        if not isinstance(under, Fraction) and abs(under) < 1e-6:
            raise Unknown("next to zero")
        return self._seen(over / under)

    def _raise(self, base: Any, exponent: Any) -> Any:
        if not isinstance(exponent, Fraction) or abs(exponent) > _HIGHEST:
            raise Unknown("an exponent")
        if exponent.denominator != 1:
            if not isinstance(base, Fraction) or base <= 0:
                raise Unknown("a root")
            return self._seen(self._field.of(base) ** self._field.of(exponent))
        whole = int(exponent)
        if isinstance(base, Fraction):
            if _bits(base) * abs(whole) > _MOST_BITS:
                raise Unknown("too large")
            return base**whole
        power = self._seen(base ** abs(whole))
        return self._divide(Fraction(1), power) if whole < 0 else power

    def _alike(self, one: Any, other: Any) -> tuple[Any, Any]:
        if isinstance(one, Fraction) and isinstance(other, Fraction):
            return one, other
        return self._field.of(one), self._field.of(other)

    def _seen(self, value: Any) -> Any:
        if not isinstance(value, Fraction):
            self.largest = max(self.largest, float(abs(value)))
        elif _bits(value) > _MOST_BITS:
            raise Unknown("too large")
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _counted(value: Any) -> int:
    """A whole number that is not large."""
    if not isinstance(value, Fraction) or value.denominator != 1 or not 0 <= value <= _HIGHEST:
        raise Unknown("no whole number")
    return int(value)
