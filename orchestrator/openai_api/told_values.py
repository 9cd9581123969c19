"""What a body says, in a few words, for the messages that refuse it. Pure.

It knows no field and no endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST_TOLD = 60


def told(value: object) -> str:
    """A value of a body in a few words, for messages.

    >>> told(None), told([1, 2]), told("a" * 70)[-3:]
    ('null', 'a list of 2', 'a…"')
    """
    match value:
        case None:
            return "null"
        case str():
            short = value if len(value) <= _LONGEST_TOLD else f"{value[:_LONGEST_TOLD]}…"
            seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)
            return f'"{seen}"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            digits = value.bit_length() // 3 if isinstance(value, int) else 0
            return f"{value}" if digits < _LONGEST_TOLD else "a huge number"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return "an object"


def told_in(data: Mapping[str, Any], name: str) -> str:
    """A field in a few words, for messages."""
    return told(data[name]) if name in data else "missing"


def valued(name: str, value: object) -> str:
    """A field with its value, for messages.

    >>> valued("n", 2), valued("tools", [{}])
    ('n of 2', 'tools (a list of 1)')
    """
    said = told(value)
    return (
        f"{shown(name)} ({said})" if isinstance(value, list | dict) else f"{shown(name)} of {said}"
    )


def cannot(name: str, value: object) -> str:
    """That a field cannot be honoured, as a message."""
    advice = "leave it out, or put what is only for you into metadata"
    return f"{valued(name, value)} cannot be honoured: {advice}"


def shown(name: str) -> str:
    """A name that a client made up, as messages and errors can carry it."""
    return told(name)[1:-1]


def is_unicode(text: str) -> bool:
    """Whether a text can be sent; JSON can spell halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
