r"""Compares answers of several parts by their parts: tuples, intervals, lists, sets, matrices. Pure.

(1, \frac{1}{2}]    3, 5, 7    \{1, 2\}    \begin{pmatrix} 1 \\ 2 \end{pmatrix}

It tells what is surely different, and what is surely the same; of the rest it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .formulas import Values, differ, same, values_of
from .numerals import numeral, with_decimal_comma
from .quantities import NO_UNIT
from .rules import Rules

_ASSIGNED = re.compile(r"([a-zA-Z])\s*(?:=|\\in(?![a-z]))\s*")
_UNITS = re.compile(r"(?<=[\d)}i])(?:\s+[a-z]+)+\.?$|(?<=[\d)}])[a-z]+\.?$")
_SHORTEST_UNIT = 4
_COMMAND = re.compile(r"\\[a-zA-Z]+|\bi\b")
_MATRIX = re.compile(r"\\begin\{([pbvB]?matrix)\}(.*?)(?:\\\\)?\s*\\end\{\1\}", re.DOTALL)
_CLOSE = {"(": ")]", "[": ")]"}


@dataclass(frozen=True, slots=True)
class Shape:
    """An answer in parts.

    Attributes:
        kind: `one` part; an ordered `tuple` or interval; a `list` in any order; a `matrix`.
        brackets: Those around a tuple.
        parts: What each is worth; None where it is not a plain formula.
    """

    kind: Literal["one", "tuple", "list", "matrix"]
    brackets: str
    parts: tuple[Values | None, ...]


def equal_by_parts(first: str, second: str, rules: Rules) -> bool | None:
    r"""Equality where the values of the parts decide it; None where they do not.

    >>> from .rules import KNOWN_FIRST
    >>> equal_by_parts("(1,2)", r"(1,\sqrt{3})", KNOWN_FIRST), equal_by_parts("x+1", "1+x", KNOWN_FIRST)
    (False, True)
    """
    if not rules.strict:
        return None
    if all((number := numeral(text)) and number.grouped for text in (first, second)):
        # They may be lists.
        return None
    variables, texts = zip(*map(_assigned, (first, second)), strict=True)
    if all(variables) and variables[0] != variables[1]:
        return None
    # Where the other one has no variables, letters behind a number may be a unit.
    units = _has_letters(texts[0]) != _has_letters(texts[1])
    if units and any(NO_UNIT.search(text) for text in texts):
        return None
    one, other = (_shape(_UNITS.sub("", text) if units else text) for text in texts)
    found = None if one is None or other is None else _by_parts(one, other, rules)
    if not (units and found):
        return found
    # Short ones may be a product of variables.
    words = [word for text in texts for unit in _UNITS.findall(text) for word in unit.split()]
    return True if min(map(len, words), default=0) >= _SHORTEST_UNIT else None


def _assigned(text: str) -> tuple[str, str]:
    """The variable that is said to be something, if one is, and what it is said to be."""
    found = _ASSIGNED.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _has_letters(text: str) -> bool:
    return re.search("[a-zA-Z]", _COMMAND.sub("", text)) is not None


def _by_parts(one: Shape, other: Shape, rules: Rules) -> bool | None:
    if one.kind == other.kind:
        return _SAME_KIND[one.kind](one, other, rules)
    # One number is not several, unless it stands for a set of one.
    kinds = {one.kind, other.kind}
    several = other if one.kind == "one" else one
    if "one" in kinds and "matrix" not in kinds and len(several.parts) > 1:
        return False if None not in one.parts + other.parts else None
    return None


def _in_order(one: Shape, other: Shape, rules: Rules) -> bool | None:
    if len(one.parts) != len(other.parts):
        return False if one.kind == "tuple" and None not in one.parts + other.parts else None
    if one.brackets != other.brackets:
        # Of intervals, which are of two ends.
        return False if len(one.parts) == 2 else None
    pairs = list(zip(one.parts, other.parts, strict=True))
    if any(_differ(a, b, rules) for a, b in pairs):
        return False
    return True if all(_same(a, b) for a, b in pairs) else None


def _in_any_order(one: Shape, other: Shape, rules: Rules) -> bool | None:
    for these, those in ((one.parts, other.parts), (other.parts, one.parts)):
        if any(all(_differ(a, b, rules) for b in those) for a in these):
            return False
    return None


_SAME_KIND = {
    "one": _in_order,
    "tuple": _in_order,
    "matrix": _in_order,
    "list": _in_any_order,
}


def _differ(one: Values | None, other: Values | None, rules: Rules) -> bool:
    apart = max(2 * 10.0**-rules.decimals, rules.tolerance)
    return bool(one and other and differ(one, other, apart=apart, relative=rules.relative))


def _same(one: Values | None, other: Values | None) -> bool:
    return bool(one and other and same(one, other))


@lru_cache(maxsize=10_000)
def _shape(text: str) -> Shape | None:
    text = text.strip()
    if matrix := _MATRIX.fullmatch(text):
        rows = matrix[2].split(r"\\")
        return _of("matrix", str(len(rows)), [part for row in rows for part in row.split("&")])
    if (found := numeral(text)) and found.grouped:
        text = re.sub(r"(?<=\d)[, ](?=\d)", "", text)
    elif with_decimal_comma(text):
        return None
    shape = _bracketed(text) or _listed(text)
    return None if shape.kind == "one" and None in shape.parts else shape


def _bracketed(text: str) -> Shape | None:
    if text.startswith(r"\{") and text.endswith(r"\}"):
        return _of("list", "", _split(text[2:-2]))
    inner = _split(text[1:-1])
    if text[:1] in _CLOSE and text[-1:] in _CLOSE[text[0]] and len(inner) > 1 and _closed(text):
        return _of("tuple", text[0] + text[-1], inner)
    return None


def _listed(text: str) -> Shape:
    parts = _split(text)
    # Tuples in a list are not told apart here.
    return _of("list" if len(parts) > 1 else "one", "", parts)


def _of(
    kind: Literal["one", "tuple", "list", "matrix"], brackets: str, parts: Sequence[str]
) -> Shape:
    return Shape(kind, brackets, tuple(values_of(part.strip()) for part in parts))


def _split(text: str) -> list[str]:
    """What commas outside of brackets part."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _closed(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return place == len(text) - 1
    return False
