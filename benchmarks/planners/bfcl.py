"""The Berkeley Function-Calling Leaderboard's rows: tools, and whether a plan makes the expected calls.

A call fits if it names the tool, and each argument has one of the values that are accepted; an argument that is
left out fits where "" is accepted. The order of calls does not matter (the leaderboard's AST match).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planners import Call, Node, ToolSpecification

_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}


@dataclass(frozen=True)
class Row:
    """A question, its tools, and the calls that answer it."""

    id: str
    question: str
    tools: Mapping[str, ToolSpecification]
    expected: Sequence[Mapping[str, Mapping[str, Sequence[Any]]]]


def row_of(given: Mapping[str, Any]) -> Row:
    """A line of a file of the leaderboard's."""
    tools = [_specification(function) for function in given["functions"]]
    return Row(given["id"], given["problem"], {one.name: one for one in tools}, given["answer"])


def matches(nodes: Sequence[Node], expected: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the calls of a plan are the expected ones, each once."""
    calls = [node for node in nodes if isinstance(node, Call)]
    if len(calls) != len(expected):
        return False
    left = list(expected)
    for call in calls:
        fitting = next((one for one in left if _fits(call, one)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True


def _fits(call: Call, expected: Mapping[str, Mapping[str, Sequence[Any]]]) -> bool:
    [(name, accepted)] = expected.items()
    if call.tool != name or not call.arguments.keys() <= accepted.keys():
        return False
    return all(
        _accepted(call.arguments[key], values) if key in call.arguments else "" in values
        for key, values in accepted.items()
    )


def _accepted(value: Any, values: Sequence[Any]) -> bool:
    return any(_plain(value) == _plain(one) for one in values)


def _plain(value: Any) -> Any:
    """A value as the leaderboard compares it: texts without case, spaces and punctuation."""
    if isinstance(value, str):
        return "".join(character for character in value.lower() if character not in " ,./-_*^'\"")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        # The leaderboard's objects hold lists of accepted values; the first stands for them.
        return {
            key: _plain(item[0] if isinstance(item, list) and item else item)
            for key, item in value.items()
        }
    return value


def _specification(function: Mapping[str, Any]) -> ToolSpecification:
    return ToolSpecification(
        name=function["name"],
        description=function["description"],
        parameters=_schema(function["parameters"]),
    )


def _schema(given: Any) -> Any:
    """The leaderboard's types as JSON Schema's."""
    if isinstance(given, list):
        return [_schema(item) for item in given]
    if not isinstance(given, dict):
        return given
    schema = {key: _schema(value) for key, value in given.items()}
    kind = given.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        schema["type"] = _TYPES[kind]
        if schema["type"] is None:
            del schema["type"]
    if not isinstance(schema.get("enum", []), list):
        del schema["enum"]
    return schema
