"""Whether two answers are the same in the sense of mathematics.

Cheap cases are decided here; the rest goes to math-verify in a worker process. It has to be a process: math-verify
takes seconds for some inputs, uses signals that only a main thread may set, and has to be killed when it hangs.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction

import anyio
import anyio.to_process

Equality = Callable[[str, str], Awaitable[bool]]

# Longer than any answer worth parsing, short enough that parsing ends.
_LONGEST = 300
_HUGE_NUMBER = re.compile(r"\d{40}|\^\s*\{?\s*\d{4}|\d{4}\s*!")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(/\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_WORKER_SECONDS = 5
# Starting the worker takes some seconds on a busy machine; within, math-verify counts its own.
_KILL_SECONDS = 60.0


async def equal(first: str, second: str) -> bool:
    """Whether two answers are equal: as texts, as numbers, or as math-verify sees them.

    What is too long or too large to be worth computing is compared as text.
    """
    known = equal_at_sight(first, second)
    if known is not None:
        return known
    with anyio.move_on_after(_KILL_SECONDS):
        return await anyio.to_process.run_sync(_verify, first, second, cancellable=True)
    return False


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


async def cluster(values: Sequence[str], equality: Equality = equal) -> list[list[int]]:
    """Groups equal values: lists of indices in their order, the groups in the order of their first member."""
    groups: list[list[int]] = []
    for index, value in enumerate(values):
        for group in groups:
            if await equality(values[group[0]], value):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


def _normalised(text: str) -> str:
    text = text.strip().strip("$").strip().rstrip(".").casefold()
    text = re.sub(r"\\[,;:! ]|\\(?:left|right)(?![a-z])", "", text)
    return re.sub(r"\s+", " ", _THOUSANDS.sub("", text))


def _number(text: str) -> Fraction | None:
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST:
        return None
    numerator, _, denominator = text.partition("/")
    if denominator and int(denominator) == 0:
        return None
    return Fraction(numerator) / (int(denominator) if denominator else 1)


def _verify(first: str, second: str) -> bool:
    """Runs in the worker process."""
    from math_verify import parse, verify

    def parsed(text: str) -> list[object]:
        found: list[object] = parse(f"${text}$", parsing_timeout=_WORKER_SECONDS)
        return found

    gold, answer = parsed(first), parsed(second)
    if not gold or not answer:
        return False
    # math-verify is not symmetric: an interval may equal a tuple one way round only.
    return bool(
        verify(gold, answer, timeout_seconds=_WORKER_SECONDS)
        or verify(answer, gold, timeout_seconds=_WORKER_SECONDS)
    )
