"""Monte-Carlo tree search: from the question down to where the next step tells most. Pure.

question ─> its best child by value and doubt ─> ... ─> a node with fewer than `max_children` ─> one more child
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..tree import ROOT, Frontier, Place
from .options import require_choice, require_count, require_from_zero, require_positive
from .rule import Allocation
from .sharing import softmax_weights
from .visits import Visits

Policy = Literal["uct", "puct"]
Priors = Literal["scores", "uniform"]


@dataclass(frozen=True, kw_only=True)
class Mcts:
    """Weighs the thoughts that are good so far against those that are little known; may come back to any node.

    UCT: Kocsis and Szepesvari 2006, Bandit Based Monte-Carlo Planning, section 2. PUCT: Silver et al. 2017, Mastering
    the Game of Go without Human Knowledge, Methods. A simulation is one new step: its score, as the scorer gives it
    without a rollout, is what the nodes above learn (there, too, a network's value). Scores are moved to 0 to 1 by the
    least and the best of the tree, so that `exploration` means the same for all scorers.

    As many steps as the width allows are chosen one after another, each as though those before it had come out worst
    (virtual loss: Chaslot et al. 2008, Parallel Monte-Carlo Tree Search), so that they spread. Visits and values follow
    from the tree alone. Where nothing can grow any more, or all simulations are spent, nothing grows.

    Attributes:
        policy: What is added to a child's value v, where its parent was visited N times and it n times: `uct`
            exploration * sqrt(ln N / n), `puct` exploration * prior * sqrt(N) / (1 + n).
        exploration: How much a doubt weighs, 0 or more; the default is that of UCB1, for scores from 0 to 1.
        priors: For PUCT, how likely a child is before it is tried: the softmax of the `scores` of it and its siblings,
            from 0 to 1, or `uniform`.
        temperature: Of that softmax.
        max_children: The most children of a node, at least 1.
        simulations: The most steps in all, at least 1. The search also ends, as always, when as many thoughts as its
            width came to an end.
    """

    policy: Policy = "uct"
    exploration: float = math.sqrt(2)
    priors: Priors = "scores"
    temperature: float = 1.0
    max_children: int = 3
    simulations: int = 64

    def __post_init__(self) -> None:
        """Refuses searches without steps, and unknown choices."""
        require_choice(self, "policy", Policy)
        require_choice(self, "priors", Priors)
        require_positive(self, "temperature")
        require_count(self, "max_children")
        require_count(self, "simulations")
        require_from_zero(self, "exploration")

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Goes down from the question once for each step."""
        visits = Visits(frontier, self.max_children)
        priors = self._priors_of(frontier, visits)
        begun = len(frontier.tree) - 1 + len(frontier.in_flight)
        children: Counter[Place] = Counter()
        for _ in range(min(width, self.simulations - begun, visits.room[ROOT])):
            place = ROOT
            while not visits.can_grow(place):
                tried = [node.place for node in frontier.children[place] if visits.room[node.place]]
                # Of equals the first.
                place = max(tried, key=lambda child: self._promise(child, visits, priors))
            visits.add(place)
            children[place] += 1
        return Allocation(children)

    def _promise(self, child: Place, visits: Visits, priors: Mapping[Place, float]) -> float:
        """The value of a child and what its doubt is worth."""
        n, total = visits.count[child], visits.count[child[:-1]]
        uct = self.policy == "uct"
        doubt = math.sqrt(math.log(total) / n) if uct else math.sqrt(total) / (1 + n)
        return visits.value(child) + self.exploration * priors.get(child, 1.0) * doubt

    def _priors_of(self, frontier: Frontier, visits: Visits) -> Mapping[Place, float]:
        """How likely each node is among its siblings before it is tried; UCT has no priors."""
        if self.policy == "uct":
            return {}
        priors: dict[Place, float] = {}
        for siblings in frontier.children.values():
            places = [node.place for node in siblings]
            scores = [visits.scores[place] if self.priors == "scores" else 0.0 for place in places]
            weights = softmax_weights(scores, self.temperature)
            total = math.fsum(weights)
            priors.update(zip(places, (weight / total for weight in weights), strict=True))
        return priors
