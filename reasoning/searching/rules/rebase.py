"""REBASE: children in proportion to the softmax of the scores (Wu et al. 2024, Inference Scaling Laws, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..tree import Frontier
from .rule import Allocation


@dataclass(frozen=True, kw_only=True)
class Rebase:
    """Reward-balanced search."""

    temperature: float = 0.2

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """In the order of the scores."""
        leaves = sorted(frontier.leaves, key=lambda leaf: (-leaf.score, leaf.place))
        if not leaves:
            return Allocation()
        top = leaves[0].score
        weights = [
            1.0 if leaf.score == top else math.exp((leaf.score - top) / self.temperature)
            for leaf in leaves
        ]
        mass = math.fsum(weights)
        children = {}
        for leaf, weight in zip(leaves, weights, strict=True):
            n = min(width, math.ceil(width * weight / mass - 1e-9)) if mass > 0 else 0
            width -= n
            mass -= weight
            if n:
                children[leaf.place] = n
        return Allocation(children)
