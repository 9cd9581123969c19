"""Functions of a problem as tools that plans may name and nobody calls, and the calls of a plan as text. Pure.

The text is Python, as the Berkeley Function-Calling Leaderboard has it: `[play(artist='Muse'), math.add(a=1, b=2)]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator import Tool
from planners import Call, Node, ToolSpecification
from planners.plan import Reference, Template

_SECONDS = 60.0
# The leaderboard's words for types of JSON Schema; None takes anything.
_TYPES: Mapping[str, str | None] = {
    "dict": "object",
    "float": "number",
    "tuple": "array",
    "any": None,
}


def tools_of(functions: Iterable[Mapping[str, Any]]) -> list[Tool]:
    """The functions as tools for planners.

    Args:
        functions: Each with its name, description and parameters.
    """
    return [
        Tool(
            specification=ToolSpecification(
                name=function["name"],
                description=function.get("description", ""),
                parameters=_schema(function.get("parameters", {"properties": {}})),
            ),
            function=_not_called,
            arguments=None,
            timeout=_SECONDS,
        )
        for function in functions
    ]


def calls_text(nodes: Iterable[Node]) -> str:
    """The calls among a plan's nodes, in their order.

    >>> calls_text([Call(id="1", tool="add", arguments={"a": 1, "b": "x"}), Call(id="2", tool="now")])
    "[add(a=1, b='x'), now()]"
    """
    return f"[{', '.join(_written(node) for node in nodes if isinstance(node, Call))}]"


def _written(call: Call) -> str:
    arguments = (f"{name}={_plain(value)!r}" for name, value in call.arguments.items())
    return f"{call.tool}({', '.join(arguments)})"


def _plain(value: Any) -> Any:
    """A value as Python writes it; the result of another call, which there is not, as what stands for it in a plan."""
    if isinstance(value, Reference):
        return f"${value.node}" + (f".{value.field}" if value.field else "")
    if isinstance(value, Template):
        return "".join(part if isinstance(part, str) else _plain(part) for part in value.parts)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _schema(given: Any) -> Any:
    """The leaderboard's types as JSON Schema's."""
    if isinstance(given, list):
        return [_schema(item) for item in given]
    if not isinstance(given, Mapping):
        return given
    schema = {name: _schema(value) for name, value in given.items()}
    kind = given.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        known = _TYPES[kind]
        schema.pop("type")
        schema |= {} if known is None else {"type": known}
    # Of one value, some rows have no list.
    if not isinstance(schema.get("enum", []), list):
        del schema["enum"]
    return schema


def _not_called(**arguments: Any) -> None:
    raise AssertionError("only the plan is asked for")
