"""Particle filtering: children drawn at random, in proportion to weights of the scores. Pure: the draws have a seed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import Literal

from ..tree import Frontier
from .options import require_choice, require_positive
from .ranking import allocated
from .rule import Allocation
from .sharing import softmax_weights

Resampling = Literal["multinomial", "systematic"]
ScoreKind = Literal["probabilities", "logits"]

# A probability of 0 or 1 would leave no chance to any other.
_MARGIN = 1e-7


@dataclass(frozen=True, kw_only=True)
class ParticleFilter:
    """Draws the thoughts that go on: a bad score makes one unlikely, but never impossible.

    Puri et al. 2025, A Probabilistic Inference Approach to Inference-Time Scaling of LLMs using Particle-Based Monte
    Carlo Methods, algorithm 1. There, thoughts that came to an answer stay particles and are drawn again as they are.
    Here each leaves with its place, since the search takes one off the width for it: it is in the vote once, with its
    score as its weight, and the rest of the width is drawn among those that are open.

    The draws follow from the seed and from which places the leaves have, not from the order in which they came.

    Attributes:
        seed: Another one draws otherwise.
        resampling: `multinomial` draws each child on its own (the paper); `systematic` draws once, and each leaf gets
            its share rounded up or down (Douc et al. 2005, Comparison of Resampling Schemes, section 2.4).
        scores: What the scores are: `probabilities`, whose log-odds are taken (as the authors do), or `logits`, or
            anything else that is not from 0 to 1.
        temperature: Of the softmax of the log-odds or logits.
    """

    seed: int = 0
    resampling: Resampling = "multinomial"
    scores: ScoreKind = "probabilities"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuses a temperature that is none, and unknown choices."""
        require_positive(self, "temperature")
        require_choice(self, "resampling", Resampling)
        require_choice(self, "scores", ScoreKind)

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Draws the whole width."""
        leaves = sorted(frontier.leaves, key=lambda leaf: leaf.place)
        if not leaves:
            return Allocation()
        random = Random(f"{self.seed} {[leaf.place for leaf in leaves]}")
        logits = [leaf.score for leaf in leaves]
        if self.scores == "probabilities":
            logits = [_log_odds(score) for score in logits]
        draw = _systematic if self.resampling == "systematic" else _multinomial
        return allocated(leaves, draw(softmax_weights(logits, self.temperature), width, random))


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _MARGIN), 1 - _MARGIN)
    return math.log(inside / (1 - inside))


def _multinomial(weights: Sequence[float], width: int, random: Random) -> list[int]:
    drawn = Counter(random.choices(range(len(weights)), weights, k=width))
    return [drawn[leaf] for leaf in range(len(weights))]


def _systematic(weights: Sequence[float], width: int, random: Random) -> list[int]:
    """Points at equal distances, all moved by the same random part of it, fall into the leaves' shares."""
    offset = random.random()
    edges = list(accumulate(weights, initial=0.0))
    points = [math.ceil(width * (edge / edges[-1]) - offset) for edge in edges]
    return [after - before for before, after in pairwise(points)]
