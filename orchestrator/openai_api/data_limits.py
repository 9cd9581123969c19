"""What no body may hold, whatever its endpoint: what cannot be sent on, and what is too deep to be walked. Pure.

It knows no field.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidRequest
from .told_values import is_unicode, shown

MOST_LEVELS = 64
"""How deep a body may be nested; the readers of schemas recurse."""
_MOST_BITS = 1024


def check_data(body: Mapping[str, Any]) -> None:
    """Refuses what cannot be written or sent on.

    Raises:
        InvalidRequest: Something is nested too deep, half a character, infinite or not a number, or too large a number.
    """
    for name, value in body.items():
        for place, part in _parts(name, value):
            _check(part, place)


def _parts(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A field, by its items where it is a list of messages."""
    if name in ("messages", "input") and isinstance(value, list):
        yield from ((f"{name}[{number}]", item) for number, item in enumerate(value))
    else:
        yield shown(name), value


def _check(value: object, place: str) -> None:
    level, depth = [value], 0
    while level:
        if depth > MOST_LEVELS:
            raise InvalidRequest(
                f"{place} is nested more than {MOST_LEVELS} levels deep: make it flatter", place
            )
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below += each
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif problem := _problem(each):
                raise InvalidRequest(f"{place} {problem}", place)
        level = below
        depth += 1


def _problem(value: object) -> str:
    """Why a value that holds no others cannot be sent; empty if it can."""
    if isinstance(value, str):
        # Most are, and those that are not are slower to tell.
        fits = value.isascii() or is_unicode(value)
        return "" if fits else "is no Unicode text: it has half of a surrogate pair"
    if isinstance(value, float) and not math.isfinite(value):
        return f"has the number {value}, which is none in JSON"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "has a number of too many digits: give a smaller one"
    return ""
