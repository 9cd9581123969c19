r"""Evaluates plain formulas, with numbers in the places of their variables. Pure; nothing is run as code.

    \frac{1+\sqrt{5}}{2}    2(x-1)^2 + 3    6 - 5i    2 \cdot 5!    \sin^2 t

Two formulas that differ somewhere are not equal, and two that agree at several places, chosen beforehand and related by
nothing, are (Schwartz 1980, Zippel 1979). It takes microseconds, where a computer algebra system takes milliseconds.
What it does not know it does not read: relations, units, plus-minus, bases, functions of somebody's.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from .fields import FLOATS, digits
from .reader import FormulaReader

_WORD = re.compile(r"(?<![\\A-Za-z])(?!sqrt\s*\()[A-Za-z]{3,}")
_LONGEST = 300
_PLACES = 3
_AGREEING = 1e-40  # of fifty digits


@dataclass(frozen=True, slots=True)
class Values:
    """What a formula is worth at each place.

    Attributes:
        text: The formula.
        values: There: fractions, or floats; None where it has none.
        largest: The largest number on the way, which tells how exact floats are.
    """

    text: str
    values: tuple[Any, ...]
    largest: float


@lru_cache(maxsize=10_000)
def values_of(text: str) -> Values | None:
    r"""What a formula is worth, with numbers for its variables; None if it is not a plain one.

    >>> values_of(r"\frac{1}{2} + 2").values[0], values_of("f(x) = 2"), values_of("1/0")
    (Fraction(5, 2), None, None)
    """
    if len(text) > _LONGEST or _WORD.search(text):
        return None
    values: list[Any] = []
    largest = 0.0
    for number in range(_PLACES):
        try:
            reader = FormulaReader(text, partial(_place, number), FLOATS)
            values.append(reader.read())
            largest = max(largest, reader.largest)
        except (ValueError, ArithmeticError, RecursionError):
            # Of negative numbers, some roots are not there.
            values.append(None)
    return Values(text, tuple(values), largest) if any(v is not None for v in values) else None


def differ(one: Values, other: Values, *, apart: float, relative: float) -> bool:
    """Whether two formulas are further apart than this, and than what rounding on the way explains."""
    noise = 1e-9 * max(one.largest, other.largest)
    there = [(a, b) for a, b in zip(one.values, other.values, strict=True) if None not in (a, b)]
    return any(
        abs(a - b) > max(apart, noise, relative * abs(a), 1e-6 * max(abs(a), abs(b)))
        for a, b in ((_float(a), _float(b)) for a, b in there)
    )


def same(one: Values, other: Values) -> bool:
    """Whether two formulas agree at all places, as fractions or in many digits."""
    if None in one.values + other.values:
        return False
    if all(isinstance(value, Fraction) for value in one.values + other.values):
        return one.values == other.values
    if differ(one, other, apart=1e-6, relative=0):
        return False
    try:
        return all(_agree(one.text, other.text, number) for number in range(_PLACES))
    except (ValueError, ArithmeticError):
        return False


def _agree(first: str, second: str, number: int) -> bool:
    field = digits()
    one, other = (
        field.of(FormulaReader(text, partial(_place, number), field).read())
        for text in (first, second)
    )
    return bool(abs(one - other) <= _AGREEING * (1 + abs(one)))


def _float(value: Any) -> complex:
    try:
        return complex(value)
    except OverflowError:
        return complex(math.copysign(1e300, value))


@lru_cache(maxsize=1000)
def _place(number: int, variable: str) -> Fraction:
    """What a variable is worth at a place: a whole number, a fraction, a negative one; the same in every process."""
    return Fraction(zlib.crc32(f"{number} {variable}".encode()) % 9973 + 2, (1, 1000, -10)[number])
