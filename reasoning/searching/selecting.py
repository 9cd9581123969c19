"""Asks a rule which nodes grow, with all that it needs, and holds it to what it may say."""

from __future__ import annotations

from dataclasses import replace

import anyio.to_thread

from engines import UsageError

from .rules.rule import Allocation, SelectionRule
from .tree import Frontier


async def selected(rule: SelectionRule, frontier: Frontier, width: int) -> Allocation:
    """What the rule chooses. One that compares texts gets their vectors, and works in a thread.

    Args:
        rule: Chooses.
        frontier: What there is to choose from.
        width: The most children in all.

    Raises:
        UsageError: It gave children to what cannot have any, or more than there may be.
        EngineError: The rule's embedder does not answer.
    """
    embedder = getattr(rule, "embedder", None)
    if embedder is not None and len(frontier.leaves) > 1:
        vectors = await embedder.embed([leaf.text for leaf in frontier.leaves])
        frontier = replace(frontier, vectors=vectors)
        allocation = await anyio.to_thread.run_sync(rule.select, frontier, width)
    else:
        allocation = rule.select(frontier, width)
    _check(rule, allocation, frontier, width)
    return allocation


def _check(rule: SelectionRule, allocation: Allocation, frontier: Frontier, width: int) -> None:
    name = type(rule).__name__
    if allocation.total > width:
        raise UsageError(f"{name} gave {allocation.total} children where {width} may be")
    for place, count in allocation.children.items():
        node = frontier.tree.get(place)
        if node is None or node.state != "open" or count < 1:
            raise UsageError(
                f"{name} gave {count} children to {place}: give 1 or more to open nodes"
            )
