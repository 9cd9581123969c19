"""Files of JSON lines. They know no tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ProblemFileError
from .rows import PlacedRow


def file_bytes(path: Path) -> bytes:
    """What a file holds.

    Raises:
        ProblemFileError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProblemFileError(
            f"the problems {path} cannot be read: {error.strerror or error}"
        ) from error


def placed_rows(name: str, content: bytes) -> Iterator[PlacedRow]:
    """The lines of a file, but for empty ones.

    Args:
        name: What to call the file.
        content: What it holds.

    Raises:
        ProblemFileError: It is no text.
    """
    try:
        text = content.decode("utf-8-sig")  # Windows may have put a mark before it.
    except UnicodeDecodeError as error:
        raise ProblemFileError(f"the problems {name} cannot be read: {error}") from error
    # Not `splitlines`, which also cuts at separators that JSON allows inside a text.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield PlacedRow(place=f"{name} line {number}", row=_row(line))


def _row(line: str) -> dict[str, Any] | str:
    try:
        row = json.loads(line)
    # An integer of more digits than Python reads is a ValueError too.
    except (ValueError, RecursionError) as error:
        return f"is no JSON: {error}"
    return row if isinstance(row, dict) else "is no JSON object"
