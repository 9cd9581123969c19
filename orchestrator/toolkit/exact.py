"""Arithmetic that is exact where it can be, and ends soon whatever it is asked. Pure.

Whole numbers and fractions stay exact; roots, logarithms and angles give floats, and so does whatever they go into.
What has no result, or one of too many digits, is a `ValueError` that says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple, TypeAlias

Number: TypeAlias = int | Fraction | float

MOST_DIGITS = 1_000
_MOST_BITS = math.ceil(MOST_DIGITS * math.log2(10))
_TOO_LARGE = f"the result has more than {MOST_DIGITS:,} digits"
_HALF = Fraction(1, 2)


class Function(NamedTuple):
    """A function of so many numbers; `most` None sets no limit."""

    of: Callable[..., Number]
    least: int = 1
    most: int | None = 1


def simplest(value: Number) -> Number:
    """The same as an int where it is a whole number.

    Raises:
        ValueError: It is not finite, or has too many digits.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("the result is too large")
        return value
    numerator, denominator = value.as_integer_ratio()
    if max(numerator.bit_length(), denominator.bit_length()) > _MOST_BITS:
        raise ValueError(_TOO_LARGE)
    return numerator if denominator == 1 else value


def from_digits(text: str) -> Number:
    """The number that is written as `12`, `.5` or `1.5e-3`.

    Raises:
        ValueError: It has too many digits.
    """
    _, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MOST_DIGITS:
        raise ValueError(f"the number has more than {MOST_DIGITS:,} digits")
    return simplest(Fraction(text))


def divide(a: Number, b: Number) -> Number:
    """The quotient."""
    return a / b if isinstance(a, float) or isinstance(b, float) else Fraction(a) / b


def power(base: Number, exponent: Number) -> Number:
    """The base to the exponent."""
    if exponent == _HALF:
        return square_root(base)
    if isinstance(exponent, int) and not isinstance(base, float):
        return _exact_power(Fraction(base), exponent)
    if base < 0 and exponent != int(exponent):
        raise ValueError("a negative number has no real power that is not whole")
    return math.pow(base, exponent)


def _exact_power(base: Fraction, exponent: int) -> Number:
    if abs(base) == 1:
        return base ** (exponent % 2)
    bits = max(part.bit_length() for part in base.as_integer_ratio()) - 1
    # Before it is computed, which might take for ever.
    if base and bits * abs(exponent) > _MOST_BITS:
        raise ValueError(_TOO_LARGE)
    return base**exponent


def square_root(value: Number) -> Number:
    """The square root, exact where it is a fraction."""
    if value < 0:
        raise ValueError("a negative number has no real square root")
    if not isinstance(value, float):
        parts = [math.isqrt(part) for part in value.as_integer_ratio()]
        root = Fraction(*parts)
        if root * root == value:
            return root
    return math.sqrt(value)


def logarithm(value: Number, base: Number = math.e) -> float:
    """The logarithm to a base, the natural one by default."""
    if value <= 0 or base <= 0 or base == 1:
        raise ValueError("a logarithm is one of a positive number, to a positive base other than 1")
    # These are exact for powers of their bases.
    known: dict[Number, Callable[[Number], float]]
    known = {2: math.log2, 10: math.log10, math.e: math.log}
    return known[base](value) if base in known else math.log(value) / math.log(base)


def rounded(value: Number, digits: Number = 0) -> Number:
    """The nearest number of so many decimal places; of two, the even one."""
    if not isinstance(digits, int) or abs(digits) > MOST_DIGITS:
        raise ValueError(f"round takes a whole number of digits, {MOST_DIGITS:,} at most")
    # As `round` does it; of a float without digits that would be a float with it.
    return value.__round__(digits) if digits else value.__round__()


def factorial(value: Number) -> int:
    """1 * 2 * ... * value."""
    if not isinstance(value, int) or value < 0:
        raise ValueError("a factorial is one of a whole number from 0 on")
    # Of a thousand it is computed in no time, and has far too many digits.
    if value > MOST_DIGITS:
        raise ValueError(_TOO_LARGE)
    return math.factorial(value)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(abs),
    "ceil": Function(math.ceil),
    "cos": Function(math.cos),
    "exp": Function(math.exp),
    "factorial": Function(factorial),
    "floor": Function(math.floor),
    "ln": Function(logarithm),
    "log": Function(logarithm, most=2),
    "log10": Function(lambda value: logarithm(value, 10)),
    "log2": Function(lambda value: logarithm(value, 2)),
    "max": Function(lambda *values: max(values), most=None),
    "min": Function(lambda *values: min(values), most=None),
    "round": Function(rounded, most=2),
    "sin": Function(math.sin),
    "sqrt": Function(square_root),
    "tan": Function(math.tan),
}

CONSTANTS: Mapping[str, float] = {"e": math.e, "pi": math.pi}
