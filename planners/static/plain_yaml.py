"""Reads YAML as the data that JSON can hold, with the line of every value. It does not know what the data are for.

What stands without quotes is what JSON would read there (`12`, `1.5e3`, `true`, `null`), and a text otherwise: so `no`,
`007`, `1:30` and `2024-01-01` are texts. Anchors and aliases work; what they unfold to is bounded, and so is how deep
values nest. Tags and merge keys are not taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 100
"""The most levels that values may nest."""
# Far more than the largest plan has, and little enough for any machine.
_MOST_VALUES = 1_000_000
_LONGEST_NUMBER = 300

_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= {"true": True, "True": True, "TRUE": True}
_CONSTANTS |= {"false": False, "False": False, "FALSE": False}
# What JSON and YAML both take for a number: `1e5` is a text in YAML, and whoever writes one leaves its quotes away.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(?P<rest>(\.[0-9]+([eE][-+][0-9]+)?)?)")

Place = tuple[str | int, ...]


class NotYaml(ValueError):
    """The text is no YAML, or not of the kind that is read here.

    Attributes:
        line: Where, counted from 1.
    """

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a text holds.

    Attributes:
        data: As JSON has it.
        lines: The line, counted from 1, where each value begins, by its place in the data; not for what lies inside of
            what an alias repeats.
    """

    data: Any
    lines: Mapping[Place, int]


def read_yaml(text: str) -> Document:
    """The one document in a text.

    Raises:
        NotYaml: It holds something else.
    """
    # A tenth of a second to import, and few plans are YAML.
    import yaml

    # The fast parser comes with most builds of PyYAML. Events, since it would nest as deep as the text.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    building = _Building()
    try:
        for event in yaml.parse(text, Loader=loader):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(1 if mark is None else mark.line + 1, str(error.problem)) from None
    except yaml.YAMLError as error:
        raise NotYaml(1, " ".join(str(error).split())) from None
    return Document(data=building.data, lines=building.lines)


@dataclass(slots=True, eq=False)
class _Open:
    """A list or dictionary that is being read."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    place: Place
    before: int
    key: str | None = None


@dataclass(slots=True)
class _Anchored:
    value: Any
    size: int


@dataclass(slots=True, eq=False)
class _Building:
    """Data that grow with each event of the parser."""

    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Anchored] = field(default_factory=dict)
    _documents: int = 0
    _values: int = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise NotYaml(line, "a second document begins: write one")
            case "ScalarEvent":
                self._take_scalar(event, line)
            case "SequenceStartEvent":
                self._begin([], event, line)
            case "MappingStartEvent":
                self._begin({}, event, line)
            case "SequenceEndEvent" | "MappingEndEvent":
                ended = self._open.pop()
                self._remember(ended.anchor, ended.value, self._values - ended.before)
            case "AliasEvent":
                self._repeat(event.anchor, line)

    def _take_scalar(self, event: Any, line: int) -> None:
        _check_tag(event.tag, line)
        above = self._open[-1] if self._open else None
        if above is not None and isinstance(above.value, dict) and above.key is None:
            # A key is the text that stands there, also where it would be a number.
            self._take_key(above, event.value, line)
            return
        plain = event.implicit[0] and event.tag is None
        value = _scalar(event.value, line) if plain else event.value
        self._add(value, 1, line)
        self._remember(event.anchor, value, 1)

    def _take_key(self, above: _Open, key: str, line: int) -> None:
        if key in above.value:
            raise NotYaml(line, f"the key {key!r} is given twice")
        if key == "<<":
            raise NotYaml(line, "merge keys (<<) are not taken: write the keys out")
        above.key = key

    def _begin(self, value: list[Any] | dict[str, Any], event: Any, line: int) -> None:
        _check_tag(event.tag, line)
        if len(self._open) >= DEEPEST:
            raise NotYaml(line, f"values nest deeper than {DEEPEST} levels")
        before = self._values
        place = self._add(value, 1, line)
        self._open.append(_Open(value, event.anchor, place, before))

    def _repeat(self, anchor: str, line: int) -> None:
        known = self._anchors.get(anchor)
        if known is None:
            raise NotYaml(line, f"the alias *{anchor} stands for no value before it")
        self._add(known.value, known.size, line)

    def _remember(self, anchor: str | None, value: Any, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, size)

    def _add(self, value: Any, size: int, line: int) -> Place:
        self._values += size
        if self._values > _MOST_VALUES:
            raise NotYaml(line, f"it unfolds to more than {_MOST_VALUES:,} values")
        place = self._put(value, line)
        self.lines[place] = line
        return place

    def _put(self, value: Any, line: int) -> Place:
        """Puts a value where it belongs; returns the place."""
        if not self._open:
            self.data = value
            return ()
        above = self._open[-1]
        if isinstance(above.value, list):
            above.value.append(value)
            return (*above.place, len(above.value) - 1)
        if above.key is None:
            raise NotYaml(line, "a key is a text")
        place = (*above.place, above.key)
        above.value[above.key] = value
        above.key = None
        return place


def _check_tag(tag: str | None, line: int) -> None:
    if tag is not None and tag != "!":
        raise NotYaml(line, f"the tag {tag!r} is not taken: texts stand in quotes")


def _scalar(text: str, line: int) -> Any:
    """What a scalar without quotes is."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    number = math.inf
    if len(text) <= _LONGEST_NUMBER:
        number = float(text) if match["rest"] else int(text)
    if math.isinf(number):
        raise NotYaml(line, "a number is too large: if it is a text, put it in quotes")
    return number
