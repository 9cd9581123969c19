r"""Reads what is plainly a number. Pure.

016    1,000    -2.50    3/4    \dfrac{3}{4}    1.5 \times 10^{3}    4.4e7
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from .bait import LONGEST

_DECIMAL = r"[+-]?\s?(?:[1-9]\d{0,2}(?:[, ]\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)"
_POWER = (
    r"(?:e(?P<e>[+-]?\d{1,3})|\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*"
    r"(?:\{\s*(?P<braced>[+-]?\d{1,3})\s*\}|(?P<bare>\d)))"
)
_NUMBER = re.compile(rf"(?P<number>{_DECIMAL})(?:{_POWER})?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_DIVISION = re.compile(r"(?P<sign>[+-]?)(?P<over>\d+)\s*/\s*(?P<under>\d+)")
_FRACTION = re.compile(
    r"(?P<sign>[+-]?)\s*\\[dtc]?frac\s*"
    r"(?:\{\s*(?P<inner>-?)\s*(?P<over>\d+)\s*\}|(?P<digit>\d))\s*(?:\{\s*(?P<under>\d+)\s*\}|(?P<last>\d))"
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it was written.

    Attributes:
        value: What it is worth.
        decimal: Whether it was written with a point or a power of ten, so that it may be rounded.
        grouped: Whether commas stand in it, so that it may be a list.
    """

    value: Fraction
    decimal: bool = False
    grouped: bool = False


def numeral(text: str) -> Numeral | None:
    r"""The number that a text is; None if it is none, or not plainly.

    >>> print(numeral("1,000.5").value, numeral(r"-\frac12").value, numeral("1.5e3").value, numeral("1/0"))
    2001/2 -1/2 1500 None
    """
    if len(text) > LONGEST:
        return None
    if found := _NUMBER.fullmatch(text):
        digits = found["number"]
        exponent = found["e"] or found["braced"] or found["bare"]
        value = Fraction(re.sub(r"[,\s]", "", digits)) * Fraction(10) ** int(exponent or 0)
        return Numeral(
            value,
            decimal="." in digits or exponent is not None,
            grouped="," in digits or " " in digits.strip("+- "),
        )
    if found := _DIVISION.fullmatch(text):
        return _quotient(found["sign"], found["over"], found["under"])
    if found := _FRACTION.fullmatch(text):
        minus = (found["sign"] == "-") != (found["inner"] == "-")
        return _quotient(
            "-" * minus, found["over"] or found["digit"], found["under"] or found["last"]
        )
    return None


def _quotient(sign: str, over: str, under: str) -> Numeral | None:
    if not int(under):
        return None
    value = Fraction(int(over), int(under))
    return Numeral(-value if sign == "-" else value)


def with_decimal_comma(text: str) -> Numeral | None:
    """What `2,74` is where a comma is written for the point; None if it is not of this form, or has thousands."""
    if not _DECIMAL_COMMA.fullmatch(text) or len(text) > LONGEST or numeral(text):
        return None
    return Numeral(Fraction(text.replace(",", ".")), decimal=True, grouped=True)
