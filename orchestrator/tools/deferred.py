"""Tools that somebody outside calls, as plans have them. How a run stops with their calls, `deferral` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from engines import UsageError
from planners import ToolSpecification

from ..errors import ToolError
from ..json_schemas import value_problem
from .definition import Tool


def deferred_tool(specification: ToolSpecification) -> Tool:
    """A tool that plans may call as any other, and that the caller of the run executes.

    A run that comes to its calls raises `RunDeferred` once everything else has ended. It asks for each of them once,
    so that it is neither pure nor repeated. Its arguments fit the schema, whatever came in for a reference.

    Args:
        specification: What planners have to know of it.
    """
    name = specification.name

    def call(**arguments: Any) -> NoReturn:
        raise UsageError(f"{name} is called by whoever runs the agent: give resume(results=...)")

    marks = {"pure": False, "repeatable": False}
    return Tool(
        specification=specification.model_copy(update=marks),
        function=call,
        arguments=None,
        timeout=1.0,
        deferred=True,
    )


def fitting_arguments(
    arguments: Mapping[str, Any], specification: ToolSpecification
) -> Mapping[str, Any]:
    """The arguments of a call, with results in them, as its schema wants them.

    What stands in a plan was checked with it; what came in for a reference was not. A thread gives the text "84", which
    is the number 84 where the schema wants one.

    Raises:
        ToolError: They do not fit.
    """
    schema = specification.parameters
    fitting = {
        name: _read(value, {**schema, "properties": {name: part}, "required": []}, name)
        if isinstance(value, str) and (part := specification.properties.get(name)) is not None
        else value
        for name, value in arguments.items()
    }
    if problem := value_problem(fitting, schema):
        raise ToolError(f"{specification.name} was not called: its arguments do not fit: {problem}")
    return fitting


def _read(text: str, schema: Mapping[str, Any], name: str) -> Any:
    """A text that is an argument, or what it says as JSON where only that fits."""
    if not value_problem({name: text}, schema):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if value_problem({name: value}, schema) else value
