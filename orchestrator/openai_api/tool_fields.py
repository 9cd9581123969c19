"""Reads the tools that a client can call, and whether they are to be called. Pure.

Tools that OpenAI itself would run, such as a web search, are refused: a server has tools of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from planners import ToolSpecification

from ..errors import InvalidRequest
from ..json_schemas import schema_problem
from .told_values import cannot, shown, told, told_in, valued

ToolChoice: TypeAlias = str
"""`auto`, `none`, `required`, or the name of a tool."""

_CHOICES = ("auto", "none", "required")
_MOST_TOOLS = 128
_FIELDS = ("name", "description", "parameters", "strict")


def read_tools(tools: object, *, nested: bool) -> tuple[ToolSpecification, ...]:
    """The tools of a body.

    Args:
        tools: Its field; None where it has none.
        nested: Whether a function's fields are below `function`, as in chats.

    Raises:
        InvalidRequest: It has others than functions, or one that no plan can call.
    """
    if tools is None:
        return ()
    if not isinstance(tools, list) or len(tools) > _MOST_TOOLS:
        raise InvalidRequest(
            f"tools has to be a list of {_MOST_TOOLS} at most, and is {told(tools)}", "tools"
        )
    read = tuple(_tool(tool, f"tools[{n}]", nested) for n, tool in enumerate(tools))
    names = [tool.name for tool in read]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"tools has two functions {told(name)}: rename one", "tools")
    return read


def read_tool_choice(choice: object, tools: Sequence[ToolSpecification]) -> ToolChoice:
    """Whether the tools are to be called.

    Args:
        choice: The field of the body; None where it has none.
        tools: Those that there are.

    Raises:
        InvalidRequest: It says something else, or asks for what is not there.
    """
    match choice:
        case None:
            return "auto"
        case "auto" | "none":
            return str(choice)
        case "required" if tools:
            return "required"
        case {"type": "function", "function": {"name": str(name)}} | {
            "type": "function",
            "name": str(name),
        } if any(tool.name == name for tool in tools):
            return name
    known = ", ".join(tool.name for tool in tools)
    raise InvalidRequest(
        f"tool_choice has to be auto or none, or with tools required or a function of theirs "
        f"({known or 'there are none'}), and is {told(choice)}",
        "tool_choice",
    )


def _tool(tool: object, place: str, nested: bool) -> ToolSpecification:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        said = told_in(tool, "type") if isinstance(tool, dict) else told(tool)
        raise InvalidRequest(
            f"{place} has to be of type function, and is {said}: other tools have to be the server's",
            place,
        )
    fields = tool.get("function") if nested else tool
    if not isinstance(fields, dict):
        raise InvalidRequest(
            f"{place}.function has to be an object, and is {told_in(tool, 'function')}", place
        )
    for name, value in fields.items():
        if value is not None and name not in _FIELDS and (nested or name != "type"):
            raise InvalidRequest(f"{place}: {cannot(shown(name), value)}", place)
    return _specification(fields, place)


def _specification(fields: Mapping[str, Any], place: str) -> ToolSpecification:
    name, parameters = fields.get("name"), fields.get("parameters") or {}
    problem = _problem(name, parameters)
    if problem:
        raise InvalidRequest(f"{place}: {problem}", place)
    try:
        specification = ToolSpecification.model_validate(
            {
                "name": name,
                "description": fields.get("description") or "",
                "parameters": {"properties": {}, **parameters, "type": "object"},
            },
            strict=True,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = valued(str(first["loc"][0]), first["input"])
        raise InvalidRequest(f"{place}: {field} does not fit: {first['msg']}", place) from None
    return specification


def _problem(name: object, parameters: object) -> str:
    """Why a function cannot be a tool; empty if it can."""
    if not isinstance(name, str):
        return f"name has to be a text, and is {told(name)}"
    if name in _CHOICES:
        return f"a function cannot be called {name}: tool_choice uses this word"
    if not isinstance(parameters, dict):
        return f"parameters has to be a JSON Schema, and is {told(parameters)}"
    if parameters.get("type", "object") != "object":
        kind = told(parameters["type"])
        return f"the schema of {shown(name)} is of the type {kind} and not an object"
    problem = schema_problem(parameters, named=True)
    return f"the schema of {shown(name)} {problem}" if problem else ""
