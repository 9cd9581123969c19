"""Reads what is written out once more, by Python's own arithmetic, and knows nothing of who wrote it."""

from __future__ import annotations

import re

_EQUATION = re.compile(r"(?<![^\s])[\d+*\-]+(?:=-?[\d+*]+)+(?![^\s])")
_WRITTEN = re.compile(r"=(-?\d+) write (\d) (carry|borrow) (\d)$")


def false_equations(text: str) -> list[str]:
    """The equations in a text that are not true."""
    found = [match[0] for match in _EQUATION.finditer(text)]
    assert found
    return [one for one in found if len({eval(side) for side in one.split("=")}) > 1]


def false_columns(text: str) -> list[str]:
    """The lines that write another digit, or carry another one, than their sum or difference says."""
    lines = [line for line in text.splitlines() if " write " in line]
    assert lines
    return [line for line in lines if not _holds(line)]


def boxed(text: str) -> int:
    """What the text ends with."""
    found = re.search(r"\\boxed\{(\d+)\}$", text)
    assert found
    return int(found[1])


def _holds(line: str) -> bool:
    found = _WRITTEN.search(line)
    assert found, line
    value, digit, what, moved = found.groups()
    tens = -int(moved) if what == "borrow" else int(moved)
    return int(value) == 10 * tens + int(digit)
