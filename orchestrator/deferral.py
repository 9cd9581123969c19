"""Tools that somebody outside calls: a run stops with their calls, and is gone on with when results are there.

    run ─> everything else ends ─> RunDeferred, with the calls ─> somebody makes them ─> resume(folder, results=...)

It knows neither plans nor files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from engines import UsageError
from planners import ToolSpecification

from .tools.definition import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredCall:
    """A call that somebody else has to make.

    Attributes:
        node: The node of the plan that waits for it, as `resume(results=...)` names it.
        tool: The tool.
        arguments: With results in them: JSON data.
    """

    node: str
    tool: str
    arguments: Mapping[str, Any]


class CallIsDeferred(Exception):
    """A node came to a call that somebody else has to make: no error, but how it ends for now.

    Attributes:
        call: The call.
    """

    def __init__(self, call: DeferredCall) -> None:
        self.call = call
        super().__init__(f"node {call.node!r} waits for {call.tool}")


def deferred_call(node: str, tool: str, arguments: Mapping[str, Any]) -> DeferredCall:
    """A call as it can be sent and kept: halves of characters, which models write at times, and infinities cannot."""
    text = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace")
    return DeferredCall(node=node, tool=tool, arguments=json.loads(text, parse_constant=_nothing))


def _nothing(constant: str) -> None:
    """What stands for a number that JSON does not know."""


def deferred_tool(specification: ToolSpecification) -> Tool:
    """A tool that plans may call as any other, and that the caller of the run executes.

    A run that comes to its calls raises `RunDeferred` once everything else has ended. It asks for each of them once,
    so that it is neither pure nor repeated.

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
