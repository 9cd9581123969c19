"""What MCTS knows of the nodes of a tree, derived from the tree alone. Pure.

count   visits: a node's own step, those below it, and those that are being taken there
value   the mean score of these steps, from 0 to 1
room    the children that the node and those below it can still get
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..tree import ROOT, Frontier, Node, Place


class Visits:
    """The visits of a tree, and those that are added to it.

    Args:
        frontier: Has the tree. Its leaves do not matter: MCTS may come back to any open node.
        max_children: The most children of a node.

    Attributes:
        scores: Of each step on its own, from 0 to 1.
        count: Of each node.
        room: Of each node.
    """

    def __init__(self, frontier: Frontier, max_children: int) -> None:
        tree = frontier.tree
        self.scores = _from_0_to_1(tree)
        self.count = {place: int(place != ROOT) for place in tree}
        self._total = {place: self.scores.get(place, 0.0) for place in tree}
        begun = dict.fromkeys(tree, 0)
        for place in frontier.in_flight:
            begun[place[:-1]] += 1
            self.count[place[:-1]] += 1
        for place in tree:
            if place != ROOT:
                begun[place[:-1]] += 1
        self._spare = {
            place: max(0, max_children - begun[place]) if node.state == "open" else 0
            for place, node in tree.items()
        }
        self.room = dict(self._spare)
        # From the deepest up.
        for place in sorted(tree, key=len, reverse=True):
            if place != ROOT:
                self.count[place[:-1]] += self.count[place]
                self._total[place[:-1]] += self._total[place]
                self.room[place[:-1]] += self.room[place]

    def value(self, place: Place) -> float:
        """The mean score at and below a place. Steps that are being taken count as 0, the least (virtual loss)."""
        return self._total[place] / self.count[place]

    def can_grow(self, place: Place) -> bool:
        """Whether the node itself can get a child."""
        return self._spare[place] > 0

    def add(self, place: Place) -> None:
        """One more child of a place is being taken."""
        self._spare[place] -= 1
        for depth in range(len(place) + 1):
            self.count[place[:depth]] += 1
            self.room[place[:depth]] -= 1


def _from_0_to_1(tree: Mapping[Place, Node]) -> Mapping[Place, float]:
    """The scores of the steps between the least and the best; infinite ones, and those of failed steps, at the ends."""
    scores = {place: node.score for place, node in tree.items() if place != ROOT}
    # Halves, whose difference is finite.
    halves = [score / 2 for score in scores.values() if math.isfinite(score)]
    low, high = min(halves, default=0.0), max(halves, default=0.0)
    return {place: _between(score, low, high) for place, score in scores.items()}


def _between(score: float, low: float, high: float) -> float:
    if math.isinf(score):
        return float(score > 0)
    # Where all are the same, they tell nothing.
    return (score / 2 - low) / (high - low) if high > low else 0.5
