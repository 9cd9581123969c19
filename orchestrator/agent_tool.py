"""An agent as a tool of another: a question in, the answer out, inside the other's run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from engines import ForkjoinError

from .errors import ToolError
from .tools.definition import Tool, tool


def agent_tool(
    answer: Callable[[str], Awaitable[Any]], *, name: str, description: str, timeout: float
) -> Tool:
    """Makes a tool of whatever answers questions.

    Args:
        answer: Gives the answer, as JSON data, to a question; an error of ours fails the call of the tool.
        name: As plans call it.
        description: What it is good for, for planners.
        timeout: Seconds after which a call fails.

    Raises:
        ToolDefinitionError: No tool can be called so.
    """

    async def ask(question: str) -> Any:
        try:
            return await answer(question)
        except ForkjoinError as error:
            raise ToolError(f"{name}: {error}") from error

    made = tool(name=name, timeout=timeout)(ask)
    described = made.specification.model_copy(update={"description": description})
    return replace(made, specification=described)
