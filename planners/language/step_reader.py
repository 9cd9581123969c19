"""Reads one step of a plan, such as `2. search("x", most=$1)`, whose brackets and quotes are known to close. Pure.

It takes time in proportion to the step's length, and knows no tools.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import PlanSyntaxError
from ..notation import JOIN, LONGEST_NUMBER, shown
from ..plan import Argument, Reference, Template

# Ids are ASCII and of a length that nodes take, the next number's too: what else `\w` and `\d` match may be no id.
STEP = re.compile(
    rf"(?:(?P<id>[0-9]{{1,9}})\s*\.\s*|(?={JOIN}\s*\())(?P<name>[A-Za-z_][\w.-]*)\s*\("
)
_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>[0-9]{1,9})(?:\.(?P<inner>\w+))?\}"
    r"|(?P<plain>[0-9]{1,9})(?![0-9])(?:\.(?P<outer>[A-Za-z_]\w*))?)",
    re.ASCII,
)
_KEYWORD = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*=(?!=)\s*")
_EQUALS = re.compile(r"\s*=(?!=)\s*")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_CONSTANT = re.compile(r"(true|false|null|True|False|None)\b")
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}  # fmt: skip
_PLAIN = {'"': re.compile(r'[^"\\$]+'), "'": re.compile(r"[^'\\$]+")}
_DOLLAR = re.compile(r"\$\$?")
_CODES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_ESCAPE = re.compile(r"\\(?s:.)")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as it is written.

    Attributes:
        id: Its number; empty where a join has none.
        name: What it calls.
        positional: Arguments without a name.
        keywords: Arguments with one.
    """

    id: str
    name: str
    positional: Sequence[Argument]
    keywords: dict[str, Argument]


def read_step(text: str, line: int) -> Step:
    """The step that a text without white space around it is.

    Args:
        text: One step, and perhaps a comment.
        line: Where it begins.

    Raises:
        PlanSyntaxError: It is none.
    """
    if _SURROGATE.search(text):
        raise PlanSyntaxError(line, f"half of a surrogate pair is no character, in {shown(text)}")
    head = STEP.match(text)
    if head is None:
        raise PlanSyntaxError(line, f"expected a step such as 1. tool(argument), got {shown(text)}")
    positional, keywords = _Reader(text, head.end(), line).arguments()
    return Step(id=head["id"] or "", name=head["name"], positional=positional, keywords=keywords)


class _Reader:
    def __init__(self, text: str, position: int, line: int) -> None:
        self._text = text
        self._position = position
        self._line = line

    def arguments(self) -> tuple[list[Argument], dict[str, Argument]]:
        positional: list[Argument] = []
        keywords: dict[str, Argument] = {}
        for _ in self._items(")"):
            name, value = self._argument()
            if name in keywords:
                raise self._error(f"argument {name!r} is given twice")
            if name is not None:
                keywords[name] = value
            elif keywords:
                raise self._error("a positional argument after a keyword argument")
            else:
                positional.append(value)
        rest = self._text[self._position :].lstrip()
        if rest and not rest.startswith("#"):
            raise self._error("unexpected text after the step: each step has a line of its own")
        return positional, keywords

    def _argument(self) -> tuple[str | None, Argument]:
        if word := self._take(_KEYWORD):
            return word["name"], self._value()
        value = self._value()
        # A name that is no plain word stands in quotes.
        if isinstance(value, str) and self._take(_EQUALS):
            return value, self._value()
        return None, value

    def _items(self, closing: str) -> Iterator[None]:
        """Goes through the items of a bracket; the caller reads each."""
        self._take(_SPACE)
        while not self._text.startswith(closing, self._position):
            yield
            self._take(_SPACE)
            if self._text.startswith(",", self._position):
                self._position += 1
                self._take(_SPACE)
            elif not self._text.startswith(closing, self._position):
                raise self._error(f"expected , or {closing}")
        self._position += 1

    def _value(self) -> Argument:
        character = self._text[self._position]
        if character in _PLAIN:
            return self._string(character)
        if character == "[":
            self._position += 1
            return [self._value() for _ in self._items("]")]
        if character == "{":
            self._position += 1
            return dict(self._pair() for _ in self._items("}"))
        if reference := self._take(_REFERENCE):
            return _reference(reference)
        if constant := self._take(_CONSTANT):
            return _CONSTANTS[constant[0]]
        if number := self._take(_NUMBER):
            return self._number(number[0])
        raise self._error(
            "expected a number, a text in quotes, a list, a dictionary, true, false, null or a reference such as $1"
        )

    def _number(self, digits: str) -> int | float:
        if len(digits) > LONGEST_NUMBER:
            raise self._error(f"a number is too long: {LONGEST_NUMBER} digits are the most")
        if _INTEGER.fullmatch(digits):
            return int(digits)
        number = float(digits)
        if math.isinf(number):
            raise self._error("a number is too large: write it as a text")
        return number

    def _pair(self) -> tuple[str, Argument]:
        key = self._value()
        self._take(_SPACE)
        if not isinstance(key, str) or not self._text.startswith(":", self._position):
            raise self._error('expected "key": value')
        self._position += 1
        self._take(_SPACE)
        return key, self._value()

    def _string(self, quote: str) -> str | Template | Reference:
        self._position += 1
        parts: list[str | Reference] = []
        while self._text[self._position] != quote:
            if plain := self._take(_PLAIN[quote]):
                parts.append(plain[0])
            elif reference := self._take(_REFERENCE):
                parts.append(_reference(reference))
            elif self._take(_DOLLAR):
                parts.append("$")
            elif codes := self._take(_CODES):
                parts.append(_decoded(codes[0]))
            elif escape := self._take(_ESCAPE):
                parts.append(_ESCAPES.get(escape[0][1], escape[0][1]))
        self._position += 1
        return _simplest(parts)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
        return match

    def _error(self, problem: str) -> PlanSyntaxError:
        line = self._line + self._text.count("\n", 0, self._position)
        place = self._text[self._position : self._position + 20]
        return PlanSyntaxError(line, f"{problem}, at {shown(place)} in {shown(self._text)}")


def _reference(match: re.Match[str]) -> Reference:
    return Reference(node=match["braced"] or match["plain"], field=match["inner"] or match["outer"])


def _decoded(codes: str) -> str:
    r"""What `\u` escapes say, pairs of surrogates too; half of a pair is no character."""
    return bytes.fromhex(codes.replace("\\u", "")).decode("utf-16-be", "replace")


def _simplest(parts: Sequence[str | Reference]) -> str | Template | Reference:
    """Plain text, a bare reference, or a mixture, whichever is simplest."""
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return "".join(texts)
    if len(parts) == 1:
        return parts[0]
    return Template(parts=tuple(parts))
