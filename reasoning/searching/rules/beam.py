"""Beam search: the best leaves go on, all others are left. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..tree import Frontier
from .options import require_count
from .ranking import allocated, best_first
from .rule import Allocation
from .sharing import shared_evenly


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Keeps the best `width / beam_width` leaves, rounded up; they share the whole width as evenly as can be.

    Snell et al. 2024, Scaling LLM Test-Time Compute Optimally, section 5.2; the names and defaults are those of
    search-and-learn. With `beam_width=1` and the width b it is the breadth-first search of Yao et al. 2023, Tree of
    Thoughts, section 3, that keeps b states.

    What the shares leave goes to the better leaves, one each, and where there are fewer leaves than could be kept,
    each gets more than `beam_width` children.

    Attributes:
        beam_width: The children of each leaf that is kept (M in the paper), at least 1.
    """

    beam_width: int = 4

    def __post_init__(self) -> None:
        """Refuses leaves that are kept for nothing."""
        require_count(self, "beam_width")

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Keeps the best."""
        leaves = best_first(frontier.leaves)
        kept = leaves[: -(-width // self.beam_width)]
        return allocated(kept, shared_evenly(width, len(kept))) if kept else Allocation()
