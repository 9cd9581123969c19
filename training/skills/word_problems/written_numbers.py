"""Numbers as texts have them: with and without words, with cents. Pure."""

from __future__ import annotations

from fractions import Fraction

_WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def written(number: Fraction) -> str:
    """In digits, with two decimals where it is not whole.

    >>> written(Fraction(84)), written(Fraction(3, 2))
    ('84', '1.50')
    """
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.2f}"


def shortest(number: Fraction) -> str:
    """In digits, as a tool's result has it, but for the `.0` of a whole one.

    >>> shortest(Fraction(84)), shortest(Fraction(3, 2))
    ('84', '1.5')
    """
    return str(number.numerator) if number.denominator == 1 else str(float(number))


def in_words(number: Fraction) -> str | None:
    """As a word, up to ninety-nine.

    >>> in_words(Fraction(12)), in_words(Fraction(21)), in_words(Fraction(40)), in_words(Fraction(100))
    ('twelve', 'twenty-one', 'forty', None)
    """
    if number.denominator > 1 or not 0 <= number < 100:
        return None
    if number < len(_WORDS):
        return _WORDS[number.numerator]
    tens, ones = divmod(number.numerator, 10)
    return f"{_TENS[tens - 2]}-{_WORDS[ones]}" if ones else _TENS[tens - 2]


def with_commas(number: Fraction) -> str:
    """In digits, thousands set off.

    >>> with_commas(Fraction(1200))
    '1,200'
    """
    return f"{number.numerator:,}" if number.denominator == 1 else written(number)
