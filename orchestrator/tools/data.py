"""What others' code gives and raises, as data and in words: results of any kind come in, JSON data goes out. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from ..errors import ToolError

MOST_BYTES = 64 * 2**20
"""More than this, as JSON, is no result: it would stand in the journal, in events and in prompts."""

_LONGEST_WORDS = 2_000


class Data(NamedTuple):
    """JSON data, and how many bytes it takes as a text."""

    value: Any
    size: int


def as_data(result: Any, name: str) -> Data:
    """The result of the tool `name` as JSON data.

    Raises:
        ToolError: It is no data.
    """
    try:
        data = to_jsonable_python(result)
        # Infinities, and halves of surrogate pairs, are in no JSON file.
        size = len(json.dumps(data, allow_nan=False, ensure_ascii=False).encode())
    except Exception as error:  # Objects bring code of their own for this.
        raise ToolError(
            f"{name} returned a {type(result).__name__}, which is no JSON data ({in_words(error)}): return finite "
            f"numbers, texts, lists or dictionaries"
        ) from error
    if size > MOST_BYTES:
        raise too_much(name, size)
    return Data(data, size)


def too_much(name: str, size: int) -> ToolError:
    """The error of a tool that gives more bytes than a result may have."""
    return ToolError(
        f"{name} gave {size:,} bytes, and {MOST_BYTES:,} are the most: give a part, or the path of a file"
    )


def in_words(error: BaseException) -> str:
    """An exception of others' code in a line that can be written anywhere."""
    try:
        text = str(error)
    except Exception:
        text = "(it cannot say why)"
    return short(f"{type(error).__name__}: {text}").encode("utf-8", "backslashreplace").decode()


def short(text: str) -> str:
    """A text for a message: all of it, or its beginning and how long it is."""
    if len(text) <= _LONGEST_WORDS:
        return text
    return f"{text[:_LONGEST_WORDS]}... ({len(text):,} characters)"
