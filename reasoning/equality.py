"""Whether two answers are the same in the sense of mathematics.

Plain cases are decided here at sight; the rest goes to math-verify, in a process of its own.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from fractions import Fraction

import anyio.to_thread

from .equality_worker import EqualityWorker

Equality = Callable[[str, str], Awaitable[bool]]

# Longer than any answer worth parsing, short enough that parsing ends.
_LONGEST = 300
_HUGE_NUMBER = re.compile(
    r"\d{40}|\^\s*\{?\s*\d{4}|\^\s*[{(]?\s*\d+[)}\s]*\^|\d{4}\s*!|binom\{\d{4}"
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(/\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_WORKER = EqualityWorker()


async def equal(first: str, second: str) -> bool:
    """Whether two answers are equal: as texts, as numbers, or as math-verify sees them.

    What is too long or too large to be worth computing is compared as text.

    Raises:
        EqualityUnavailable: math-verify is needed and does not start.
    """
    known = equal_at_sight(first, second)
    if known is not None:
        return known
    return await anyio.to_thread.run_sync(_WORKER.verify, first, second, abandon_on_cancel=True)


def equal_at_sight(first: str, second: str) -> bool | None:
    """Equality where it is plain to see; None where it takes mathematics.

    >>> equal_at_sight("1,000", "1000.0"), equal_at_sight("Paris", "london"), equal_at_sight("x+1", "1+x")
    (True, False, None)
    """
    first, second = _normalised(first), _normalised(second)
    if first == second:
        return True
    numbers = _number(first), _number(second)
    if None not in numbers:
        return numbers[0] == numbers[1]
    for text in (first, second):
        prose = _WORD.search(text) and not re.search(r"[\\\d]", text)
        if not text or prose or len(text) > _LONGEST or _HUGE_NUMBER.search(text):
            return False
    return None


def _normalised(text: str) -> str:
    # The look behind keeps a long run of blanks from being tried from each of its places.
    text = re.sub(r"(?<![\s$.])[\s$.]+$", "", text)
    text = re.sub(r"^[\s$]+", "", text).casefold()
    text = re.sub(r"\\[,;:! ]|\\(?:left|right)(?![a-z])", "", text)
    return re.sub(r"\s+", " ", _THOUSANDS.sub("", text))


def _number(text: str) -> Fraction | None:
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST:
        return None
    numerator, _, denominator = text.partition("/")
    if denominator and int(denominator) == 0:
        return None
    return Fraction(numerator) / (int(denominator) if denominator else 1)
