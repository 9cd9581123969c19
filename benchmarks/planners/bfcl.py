"""The Berkeley Function-Calling Leaderboard's rows: tools, and whether a plan makes the expected calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.grading import call_matching
from evals.grading.call_matching import Expected, WrittenCall
from planners import Call, Node, ToolSpecification

_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}


@dataclass(frozen=True)
class Row:
    """A question, its tools, and the calls that answer it."""

    id: str
    question: str
    tools: Mapping[str, ToolSpecification]
    expected: Sequence[Expected]


def row_of(given: Mapping[str, Any]) -> Row:
    """A line of a file of the leaderboard's."""
    tools = [_specification(function) for function in given["functions"]]
    return Row(given["id"], given["problem"], {one.name: one for one in tools}, given["answer"])


def matches(nodes: Sequence[Node], expected: Sequence[Expected]) -> bool:
    """Whether the calls of a plan are the expected ones, each once."""
    calls = [WrittenCall(node.tool, node.arguments) for node in nodes if isinstance(node, Call)]
    return call_matching.matches(calls, expected)


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
