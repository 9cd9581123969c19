"""Finds JSON in what a model wrote: the first value that fits a schema, whatever stands around it. Pure.

It does not know what the value is for, nor how the model was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .json_validator import Uncheckable, find_error

# Models write line breaks into their strings, and grammars let them.
_DECODER = json.JSONDecoder(strict=False)
# Formulas are full of braces, and few of them could begin a value.
_START = re.compile(r'\{\s*["}]|\[\s*["\[\]{\d\-tfn]')
_MOST_STARTS = 1000
_MOST_CHARACTERS = 200


def read_json(text: str, schema: Mapping[str, Any]) -> Any:
    r"""The first JSON value in `text` that fits `schema`; thoughts before it, and marks around it, do not matter.

    Raises:
        ValueError: There is none; it says what is wrong with the first value, and where.

    >>> read_json('So:\n```json\n{"a": [1, 2]}\n```', {"type": "object"})
    {'a': [1, 2]}
    """
    said = text.rpartition("</think>")[2]
    if said.lstrip().startswith("<think>"):
        raise ValueError("it is a thought without an end")
    problems: list[str] = []
    for value in _values(said, problems):
        problem = _problem(value, schema)
        if not problem:
            return value
        problems.append(problem)
    raise ValueError(problems[0] if problems else "there is no JSON in it")


def _values(text: str, problems: list[str]) -> Iterator[Any]:
    """The values in a text, from left to right; what is no value is told in `problems`."""
    place = 0
    for _ in range(_MOST_STARTS):
        match = _START.search(text, place)
        if match is None:
            break
        try:
            value, place = _DECODER.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            problems.append(f"the JSON breaks at character {error.pos}: {error.msg}")
            # Not inside of what is broken: a part would be taken for the whole.
            place = max(error.pos, match.start() + 1)
        except (ValueError, RecursionError) as error:
            problems.append(f"the JSON cannot be read: {error}")
            break
        else:
            yield value
    yield from _scalar(text)


def _scalar(text: str) -> Iterator[Any]:
    """A number, text, boolean or null, where the whole text is one."""
    try:
        value = _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict | list):
        yield value


def _problem(value: Any, schema: Mapping[str, Any]) -> str:
    try:
        # JSON knows neither NaN nor halves of characters, and nor does whoever gets it.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        return f"the JSON cannot be kept: {error}"
    try:
        wrong = find_error(value, schema)
    except Uncheckable as error:
        return f"the JSON cannot be checked: {error}"
    return "" if wrong is None else f"at {wrong.json_path}: {wrong.message[:_MOST_CHARACTERS]}"
