"""Runs inside a node of another run: what they share with it, and how deep they may go.

outer run ─> node 3: maths("...") ─> inner run ─ its calls: 3/root/1 ... in the outer run's journal, budget and events

A tool is called by its arguments only, so where it is called from is in a context variable, which goes along with the
task. It does not know what runs inside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from engines import UsageError

from .budget import Account, Purse
from .calls import Calls
from .events import ApprovalAsked, ApprovalDecided
from .journal import Journal
from .tools.approval import Approve

MOST_DEPTH = 8
"""How many runs may be inside of one another: more are a recursion that has no end."""


@dataclass(slots=True, kw_only=True)
class Outer:
    """What a run inside a node of another one shares with that one.

    Attributes:
        node: The node.
        path: The same after the nodes that its own run is inside of.
        depth: How many runs are around what runs in the node.
        account: Who pays.
        purse: The outer run's budget.
        calls: The outer run's calls.
        journal: Keeps what is finished; None keeps nothing.
        repeat: Nodes whose tools are called again though they may not be repeated.
        owner: The outer run's name, for limits that runs share.
        dependencies: What tools get, unless the agent inside has its own.
        approve: Decides about calls of tools, unless the agent inside has its own.
        tell: Takes events of the run inside, to be told as the node's own.
        critical_path: Tokens that runs inside have generated one after another.
    """

    node: str
    path: str
    depth: int
    account: Account
    purse: Purse
    calls: Calls
    journal: Journal | None
    repeat: Collection[str]
    owner: str
    dependencies: Any
    approve: Approve | None
    tell: Callable[[ApprovalAsked | ApprovalDecided], None]
    critical_path: int = 0


_OUTER: ContextVar[Outer | None] = ContextVar("outer", default=None)


def current_outer() -> Outer | None:
    """The node that the code that asks runs in; None where it runs in none."""
    return _OUTER.get()


@contextmanager
def inside(outer: Outer) -> Iterator[Outer]:
    """What begins in this block runs inside a node."""
    token = _OUTER.set(outer)
    try:
        yield outer
    finally:
        _OUTER.reset(token)


def depth_of_next_run() -> int:
    """How many runs are around one that begins here.

    Raises:
        UsageError: Too many.
    """
    outer = current_outer()
    depth = 0 if outer is None else outer.depth
    if depth > MOST_DEPTH:
        raise UsageError(
            f"agents call agents {MOST_DEPTH} deep, and node {outer.path if outer else ''!r} would go deeper: "
            f"let none of them be a tool of itself"
        )
    return depth
