"""Best-of-N as a search: thoughts that know nothing of each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..tree import Frontier
from .ranking import allocated
from .rule import Allocation


@dataclass(frozen=True, kw_only=True)
class Independent:
    """Each leaf goes on alone, whatever its score; only the question is shared by all.

    This is best-of-N, weighted (search-and-learn, `best_of_n`): the baseline of every search, in steps, so that its
    tokens and its memory compare. A thought that failed is not replaced.
    """

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """One child for each leaf, the whole width for the question."""
        leaves = sorted(frontier.leaves, key=lambda leaf: leaf.place)
        at_the_root = len(leaves) == 1 and leaves[0].depth == 0
        counts = [width] if at_the_root else [1] * width
        return allocated(leaves, counts)
