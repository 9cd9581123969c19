"""REBASE: children in proportion to the softmax of the scores. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..tree import Frontier
from .options import require_positive
from .ranking import allocated, best_first
from .rule import Allocation
from .sharing import shared_out


@dataclass(frozen=True, kw_only=True)
class Rebase:
    """Reward-balanced search: the better a leaf, the more children it gets, and the whole width is always used.

    Wu et al. 2024, Inference Scaling Laws, section 3.2. The shares are exact (`sharing.shared_out`): in the reference,
    which rounds in float32, the sum exceeds the width now and then.

    Attributes:
        temperature: Of the softmax; the paper's default. The smaller, the more the best leaf gets.
    """

    temperature: float = 0.2

    def __post_init__(self) -> None:
        """Refuses a temperature that is none."""
        require_positive(self, "temperature")

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Shares the width out."""
        leaves = best_first(frontier.leaves)
        scores = [leaf.score for leaf in leaves]
        return allocated(leaves, shared_out(scores, width, self.temperature))
