"""Asks a rule which nodes grow, with all that it needs, and holds it to what it may say."""

from __future__ import annotations

from dataclasses import replace

import anyio.to_thread

from engines import ForkjoinError, RunError, UsageError

from .embedding.embedder import Embedder
from .rules.rule import Allocation, SelectionRule
from .tree import Frontier


async def selected(rule: SelectionRule, frontier: Frontier, width: int) -> Allocation:
    """What the rule chooses. One that compares texts gets their vectors, and works in a thread.

    Where the embedder does not answer, the rule has to choose without vectors, and the remark says so.

    Args:
        rule: Chooses.
        frontier: What there is to choose from.
        width: The most children in all.

    Raises:
        UsageError: The rule gave children to what cannot have any, more than there may be, or what is no `Allocation`;
            or the embedder gave more or fewer vectors than there are texts.
    """
    embedder: Embedder | None = getattr(rule, "embedder", None)
    remark = ""
    if embedder is not None and len(frontier.leaves) > 1:
        try:
            frontier = await _with_vectors(frontier, embedder)
        except (RunError, UsageError):
            raise
        except ForkjoinError as error:
            remark = f"steps were not compared: {error}"
        allocation = await anyio.to_thread.run_sync(rule.select, frontier, width)
    else:
        allocation = rule.select(frontier, width)
    _check(rule, allocation, frontier, width)
    return replace(allocation, remark="; ".join(filter(None, (remark, allocation.remark))))


async def _with_vectors(frontier: Frontier, embedder: Embedder) -> Frontier:
    vectors = await embedder.embed([leaf.text for leaf in frontier.leaves])
    if len(vectors) != len(frontier.leaves):
        raise UsageError(
            f"{type(embedder).__name__} gave {len(vectors)} vectors for {len(frontier.leaves)} texts: give one for each"
        )
    return replace(frontier, vectors=vectors)


def _check(rule: SelectionRule, allocation: Allocation, frontier: Frontier, width: int) -> None:
    name = type(rule).__name__
    if not isinstance(allocation, Allocation):
        raise UsageError(f"{name}.select returned {allocation!r}: return an Allocation of children")
    for place, count in allocation.children.items():
        node = frontier.tree.get(place)
        if node is None or node.state != "open" or count < 1:
            raise UsageError(
                f"{name} gave {count} children to {place}: give 1 or more to open nodes"
            )
    if allocation.total > width:
        raise UsageError(f"{name} gave {allocation.total} children where {width} may be")
