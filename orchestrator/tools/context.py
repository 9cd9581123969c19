"""What a run tells a tool that asks for it: a parameter of this type is filled in by the run and is in no plan.

    @tool
    async def search(query: str, context: ToolContext[Library]) -> str:
        return await context.dependencies.find(query)

It knows neither tools nor runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, cast, get_args, get_origin

D = TypeVar("D")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext(Generic[D]):
    """What a call of a tool is made for.

    Attributes:
        dependencies: What the agent or the run was given for its tools, such as a client or a connection.
        node: The node of the plan that calls; of those that share a call of a pure tool, the first.
        question: What the run was asked.
    """

    # A run without dependencies is refused before any tool that asks for them by type is called.
    dependencies: D = cast("Any", None)
    node: str = ""
    question: str = ""


def is_context(hint: Any) -> bool:
    """Whether a parameter of this type gets the context."""
    return get_origin(_plain(hint)) is ToolContext or _plain(hint) is ToolContext


def needs_dependencies(hint: Any) -> bool:
    """Whether the type of a context says that there have to be dependencies.

    >>> [needs_dependencies(hint) for hint in (ToolContext, ToolContext[str], ToolContext[str | None])]
    [False, True, False]
    """
    wanted = get_args(_plain(hint))
    return bool(wanted) and wanted[0] not in (Any, NoneType) and NoneType not in get_args(wanted[0])


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint
