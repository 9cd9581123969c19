r"""The notation of plans: its words, and how a value is written in it. Pure.

What reads plans, what shows tools and what constrains a model share it, so that they cannot disagree.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from reprlib import Repr
from typing import Any

from .plan import Reference, Template

THINK = "think"
JOIN = "join"
THOUGHT = "Thought:"
"""Begins a line that is for the model itself."""

LONGEST_NUMBER = 300
"""Digits. Far more than a plan needs, and less than what Python itself refuses."""

_ID = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FIELD = re.compile(r"\w+", re.ASCII)
_SPECIAL = re.compile(r'[\x00-\x1f"\\$]')
_ESCAPES = {"$": "$$", '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

_MOST_NAMES = 12

_shortened = Repr()
_shortened.maxstring = 80


def shown(text: str) -> str:
    """A text in the line of a message: quoted, without its middle where it is long."""
    return _shortened.repr(text)


def some_of(names: Sequence[str], *, near: str) -> str:
    """Names in the line of a message: all, or of many those that are most like one that does not exist.

    >>> some_of([f"tool-{number}" for number in range(1000)], near="tol-7")
    'tool-7, tool-97, tool-87 and 997 others'
    """
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    nearest = get_close_matches(near[:80], names) or names[:3]
    return f"{', '.join(nearest)} and {len(names) - len(nearest)} others"


def literal(value: Any) -> str:
    r"""An argument as a plan's text holds it, in one line.

    A text that is nothing but one reference is written, and read back, as that reference.

    Raises:
        ValueError: The notation has no form for it.

    >>> literal(["costs $5", Reference(node="1"), Template(parts=("see ", Reference(node="2")))])
    '["costs $$5", $1, "see ${2}"]'
    """
    if isinstance(value, Reference):
        return _reference(value)
    if isinstance(value, Template):
        parts = (_escaped(p) if isinstance(p, str) else _inline(p) for p in value.parts)
        return f'"{"".join(parts)}"'
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    if isinstance(value, dict):
        pairs = (f"{literal(key)}: {literal(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return _scalar(value)


def keyword(name: str) -> str:
    """A parameter's name before its `=`; one that is no plain word stands in quotes."""
    return name if _NAME.fullmatch(name) else literal(name)


def step_id(node: str) -> str:
    """The id of a node as a plan's text holds it.

    Raises:
        ValueError: It is no number.
    """
    if not _ID.fullmatch(node):
        raise ValueError(f"node {node!r} cannot be written: ids are numbers of 1 to 9 digits here")
    return node


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


def _reference(reference: Reference) -> str:
    field = reference.field
    if field is not None and not _NAME.fullmatch(field):
        return _inline(reference)
    return f"${step_id(reference.node)}{'' if field is None else f'.{field}'}"


def _inline(reference: Reference) -> str:
    """In braces, since a digit or a full stop may follow."""
    node, field = step_id(reference.node), reference.field
    if field is None:
        return f"${{{node}}}"
    if not _FIELD.fullmatch(field):
        raise ValueError(f"field {field!r} of node {node} cannot be written: it is no plain word")
    return f"${{{node}.{field}}}"


def _scalar(value: float | None) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written: numbers are finite")
    written = json.dumps(value)
    if len(written) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(written)} digits cannot be written")
    return written
