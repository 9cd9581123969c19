r"""Numbers with what they are numbers of. Pure.

10\text{ cm}^2    12th grade    $15,000    74^\circ    33.5\%    2516_8
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from .numerals import Numeral, numeral, with_decimal_comma
from .rules import Rules

_UNIT = re.compile(
    r"(?<=[\d}])\s*\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox)\s*\{\s*([^\W\d_][^{}\d%]*)\}(?:\^(?:\d|\{\d\}))?$"
)
_ORDINAL = re.compile(r"(?<=\d)(?:\^\{?\\(?:text|mathrm)\{(?:st|nd|rd|th)\}\}?|(?:st|nd|rd|th)\b)")
_WORDS = re.compile(r"(?<=\d)((?:\s+[^\W\d_]{2,}){1,3})$")
NO_UNIT = re.compile(
    r"\b(?:and|or|to|of|over|more|less|than|times|plus|minus|mod|dozen|hundred|thousand|\w*illion)"
)
"""Words behind a number that change it."""
_DEGREES = re.compile(
    r"(?:\^\s*(?:\{\s*\\circ\s*\}|\\circ)|°|\s*\\text\{\s*degrees\s*\}|\s*degrees)$"
)
_PERCENT = re.compile(r"\s*(?:\\?%|\\text\{\s*(?:percent|pct)\s*\}|percent(?:age)?|pct)$")
_BASE = re.compile(r"(?P<digits>\d+)_(?:\{(?P<braced>\d+)\}|(?P<bare>\d+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number of something.

    Attributes:
        number: How much.
        unit: Of what; empty where nothing is said.
        commas: Whether the comma for a point may as well part two numbers.
    """

    number: Numeral
    unit: str = ""
    commas: bool = False


_PER_CENT = "%"
_IN_BASE = "base "


def equal_as_quantities(first: str, second: str, rules: Rules) -> bool | None:
    """Equality of two numbers; None where one of the texts is none, or the units leave it open.

    A unit may be left out. A percentage is a hundredth and, as some known answers have it, the number before the sign.
    """
    one, other = _quantity(first), _quantity(second)
    if one is None or other is None or (one.number.grouped and other.number.grouped):
        return None
    if one.unit != other.unit and _PER_CENT in (one.unit, other.unit):
        return _as_percentage(*((one, other) if one.unit == _PER_CENT else (other, one)), rules)
    close = _close(one.number, other.number, rules)
    if close:
        return True if one.unit == other.unit or not (one.unit and other.unit) else None
    # A comma may be between two answers, too; hours may be minutes, and a base changes the number.
    units = {one.unit, other.unit}
    converted = len(units) > 1 and (
        "" not in units or any(unit.startswith(_IN_BASE) for unit in units)
    )
    return None if one.commas or other.commas or converted else False


def _as_percentage(share: Quantity, number: Quantity, rules: Rules) -> bool | None:
    # 0.5 may be a share, of which 0.5 % is a hundredth; 35 is none, however it is written.
    if share.number.value == number.number.value and number.number.value.denominator == 1:
        return True
    hundredth = Numeral(share.number.value / 100, decimal=True)
    return True if _close(hundredth, number.number, rules) else None


def _quantity(text: str) -> Quantity | None:
    if based := _BASE.fullmatch(text):
        base = based["braced"] or based["bare"]
        return Quantity(number=Numeral(Fraction(based["digits"])), unit=f"{_IN_BASE}{base}")
    text, unit = _without_unit(text)
    if number := numeral(text):
        return Quantity(number=number, unit=unit)
    if number := with_decimal_comma(text):
        return Quantity(number=number, unit=unit, commas=True)
    return None


def _without_unit(text: str) -> tuple[str, str]:
    if (bare := _PERCENT.sub("", text)) != text:
        return bare.strip(), _PER_CENT
    # Known answers leave degrees out, and models write them: they are no other unit.
    if (bare := _DEGREES.sub("", text)) != text:
        return bare.strip(), ""
    text = _ORDINAL.sub("", text)
    if (found := _UNIT.search(text) or _WORDS.search(text)) and not NO_UNIT.search(found[1]):
        return text[: found.start()].strip(), found[1].strip()
    return text, ""


def _close(one: Numeral, other: Numeral, rules: Rules) -> bool:
    first, second = one.value, other.value
    apart = abs(first - second)
    if apart <= max(Fraction(rules.tolerance), Fraction(rules.relative) * abs(first)):
        return True
    if not (one.decimal or other.decimal) or not first or not second:
        return False
    # Rounded to so many places, very small numbers would all be the same.
    small = min(abs(first), abs(second)) < Fraction(1, 1000)
    unit = Fraction(1, 10**rules.decimals) * (max(abs(first), abs(second)) if small else 1)
    return apart < unit and (small or round(first, rules.decimals) == round(second, rules.decimals))
