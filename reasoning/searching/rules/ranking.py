"""Leaves in the order of their scores, and allocations of the counts that they get. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..tree import Node
from .rule import Allocation


def best_first(leaves: Iterable[Node]) -> list[Node]:
    """Leaves from the best score to the worst; equals in the order of their places."""
    return sorted(leaves, key=lambda leaf: (-leaf.score, leaf.place))


def allocated(leaves: Sequence[Node], counts: Iterable[int]) -> Allocation:
    """So many children for each leaf; those that get none are not named. Leaves beyond the counts get none."""
    pairs = zip(leaves, counts, strict=False)
    return Allocation({leaf.place: count for leaf, count in pairs if count})
