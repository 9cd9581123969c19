"""Asks whether a tool with side effects may be called, before the call begins.

It does not know who decides: a person at a terminal, a rule, another program.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import ToolError, ToolRefused
from .data import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A call that has to be approved.

    Attributes:
        tool: The tool's name.
        arguments: What it will be called with, as JSON data.
        node: The node of the plan that calls, after the nodes that its run is inside of: `2`, or `3/2`.
    """

    tool: str
    arguments: Mapping[str, Any]
    node: str


Decision: TypeAlias = bool | str
"""True approves. False refuses, and so does a text, which says why."""

Approve: TypeAlias = Callable[[ApprovalRequest], Decision | Awaitable[Decision]]
"""Decides about a call; it may take its time, and may be asked about several calls at once."""


def approve_all(request: ApprovalRequest) -> Decision:
    """Approves every call."""
    return True


async def check_approved(request: ApprovalRequest, approve: Approve | None) -> None:
    """Returns if the call is approved.

    Raises:
        ToolRefused: It is not.
        ToolError: Nobody is there to approve it, or whoever is cannot decide.
    """
    if approve is None:
        raise ToolError(
            f"{request.tool} has to be approved, and nobody is there: use --approve all, or Agent(approve=...)"
        )
    try:
        decision = approve(request)
        if inspect.isawaitable(decision):
            decision = await decision
    except Exception as error:  # The boundary to others' code: what is not approved is not called.
        raise ToolError(f"{request.tool} could not be approved: {in_words(error)}") from error
    if decision is not True:
        reason = decision if isinstance(decision, str) and decision else "no reason was given"
        raise ToolRefused(f"{request.tool} was refused: {reason}")
