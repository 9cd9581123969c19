"""Tools that tests of agents share: two that give a number, one that fails."""

from __future__ import annotations

from orchestrator import tool
from planners import Call


@tool
async def multiply(a: float, b: float) -> float:
    """Multiplies."""
    return a * b


@tool
async def add(a: float, b: float) -> float:
    """Adds."""
    return a + b


@tool
async def breaks() -> None:
    """Raises."""
    raise ValueError("no luck")


TOOLS = [multiply, add, breaks]
BROKEN = Call(id="1", tool="breaks")
"""A node that fails."""
