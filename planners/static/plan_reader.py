"""Reads a plan from a JSON or YAML file.

Both hold the same data, so a plan in JSON is one in YAML too. References are written out (`{$ref: 1}`), since a dollar
sign in a text is a dollar sign. Ids may be numbers. It does not know what can be run: see `validation.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from ..errors import PlanFileError
from ..plan import Plan, Reference, Template
from .plain_yaml import DEEPEST, Document, NotYaml, Place, read_yaml

_YAML = (".yaml", ".yml")
# Far more than a plan needs, and little enough to read in seconds.
_LARGEST = 8 * 2**20
_LONGEST_MESSAGE = 300
_FORMAT = "docs/planners/index.md shows the format"


class _Misplaced(ValueError):
    """What is wrong somewhere in the data."""

    def __init__(self, place: Place, problem: str) -> None:
        self.place = place
        self.problem = problem
        super().__init__(problem)


def read_plan(path: str | Path) -> Plan:
    """The plan in a file: YAML if it is called so (`.yaml`, `.yml`), else JSON.

    Raises:
        PlanFileError: The file cannot be read or holds no plan; with the place and what is wrong there.
    """
    text = _text(path)
    try:
        document = read_yaml(text) if Path(path).suffix.lower() in _YAML else _json(text)
    except NotYaml as error:
        raise PlanFileError(f"{path} is no plan: line {error.line}: {error}; {_FORMAT}") from None
    except ValueError as error:
        raise PlanFileError(f"{path} is no plan: the file: {error}; {_FORMAT}") from None
    try:
        return _plan(document.data)
    except _Misplaced as error:
        where = ".".join(map(str, error.place)) or "the file"
        problem = f"{where}: {error.problem}{_named(error.place, document)}"
        raise PlanFileError(f"{path} is no plan: {problem}; {_FORMAT}") from None


def _text(path: str | Path) -> str:
    try:
        size = Path(path).stat().st_size
        if size > _LARGEST:
            raise ValueError(
                f"it has {size:,} bytes, and {_LARGEST:,} at most are taken; let a tool fetch what is large"
            )
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise PlanFileError(f"the plan {path} cannot be read: {error}") from error


def _json(text: str) -> Document:
    try:
        data = json.loads(
            text, object_pairs_hook=_members, parse_constant=_no_number, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("values nest too deep") from None
    return Document(data=data, lines={})


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} is given twice")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number: if it is a text, put it in quotes")


def _float(text: str) -> float:
    number = float(text)
    return _no_number(text) if math.isinf(number) else number


def _plan(data: Any) -> Plan:
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        nodes = [_node(node, ("nodes", number)) for number, node in enumerate(data["nodes"])]
        data = {**data, "nodes": nodes}
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise _misplaced(error, (), data) from None


def _node(node: Any, place: Place) -> Any:
    """A node with its references read, and with texts where numbers stand for nodes."""
    if not isinstance(node, dict):
        return node
    changed = {name: _id(node[name]) for name in ("id", "after") if name in node}
    if isinstance(node.get("inputs"), list):
        changed["inputs"] = [_id(name) for name in node["inputs"]]
    for name in ("arguments", "prompt", "text"):
        if isinstance(node.get(name), dict):
            value = _argument(node[name], (*place, name))
            bare = name != "arguments" and isinstance(value, Reference)
            changed[name] = Template(parts=(value,)) if bare else value
    return {**node, **changed}


def _argument(value: Any, place: Place) -> Any:
    if len(place) > DEEPEST:
        raise _Misplaced(place[:4], f"values nest deeper than {DEEPEST} levels")
    if isinstance(value, list):
        return [_argument(item, (*place, number)) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    value = {name: _argument(item, (*place, name)) for name, item in value.items()}
    # Here, since among the types of an argument a reference that is none would pass for a dictionary.
    for mark, kind in (("$ref", Reference), ("$text", Template)):
        if mark in value:
            try:
                return kind.model_validate({**value, mark: _id(value[mark])})
            except ValidationError as error:
                raise _misplaced(error, place, value) from None
    return value


def _id(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _misplaced(error: ValidationError, place: Place, data: Any) -> _Misplaced:
    """The first problem, at its place in the data: what the types are called is left out."""
    first = error.errors(include_url=False)[0]
    *before, last = first["loc"] or (None,)
    for part in before:
        if isinstance(data, Mapping) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        else:
            continue
        place = (*place, part)
    if last is not None:
        place = (*place, last)
    return _Misplaced(place, " ".join(first["msg"].split())[:_LONGEST_MESSAGE])


def _named(place: Place, document: Document) -> str:
    """The node and the line, as far as they are known."""
    told = []
    if place[:1] == ("nodes",) and len(place) > 1 and isinstance(place[1], int):
        node = document.data["nodes"][place[1]]
        if isinstance(node, dict) and "id" in node:
            told.append(f"node {str(node['id'])[:64]!r}")
    around = (place[:end] for end in range(len(place), -1, -1))
    line = next((document.lines[part] for part in around if part in document.lines), None)
    if line is not None:
        told.append(f"line {line}")
    return f" ({', '.join(told)})" if told else ""
