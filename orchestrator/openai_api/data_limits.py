"""What no body may hold, whatever its endpoint: what cannot be sent on, too deep data, too many schemas. Pure.

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
MOST_SCHEMA_PARTS = 5_000
"""How much all schemas of a body may say together: to check a property takes 60 µs, and all others wait."""
_OF_SCHEMAS = ("tools", "response_format", "text")
# So many characters of a pattern take as long to be read.
_PATTERN_PART = 20
_MOST_BITS = 1024


def check_data(body: Mapping[str, Any]) -> None:
    """Refuses what cannot be written or sent on.

    Raises:
        InvalidRequest: Something is nested too deep, half a character, infinite or not a number, or too large a number;
            or there are too many schemas.
    """
    for name, value in body.items():
        for place, part in _parts(name, value):
            _check(part, place)
    schemas = sum(map(_schema_parts, map(body.get, _OF_SCHEMAS)))
    if schemas > MOST_SCHEMA_PARTS:
        raise InvalidRequest(
            f"the schemas of the body have {schemas} parts (properties, subschemas, items of lists): send at most "
            f"{MOST_SCHEMA_PARTS}",
            next(name for name in _OF_SCHEMAS if body.get(name)),
        )


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


def _schema_parts(value: object) -> int:
    """How much there is in a value that takes its time where it is a schema."""
    count, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            count += 1
            left += each.values()
            if isinstance(pattern := each.get("pattern"), str):
                count += len(pattern) // _PATTERN_PART
        elif isinstance(each, list):
            count += len(each)
            left += each
    return count


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
