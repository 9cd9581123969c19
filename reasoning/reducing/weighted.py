"""The answer that has the most weight behind it: a vote in which good samples count for more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from engines import Context, Engine

from ..answer import Answer
from ..equality import Equality, equal
from ..scoring.scorer import Scorer, require_ready, scores_of
from ..scoring.verifier import Verifier
from ..voting.tally import votes_of
from .best import chosen


@dataclass(frozen=True, kw_only=True)
class WeightedMajority:
    """The answer whose candidates weigh most together; of equally heavy ones, the one given first.

    Answers are compared by mathematical equality. Candidates without a final answer vote only if none has one. The
    weights are scores (Uesato et al. 2022; Li et al. 2023, weighted self-consistency), as `vote_weights` has them.

    Attributes:
        scorer: Says how much each vote weighs.
        equality: Tells whether two answers are the same.
    """

    scorer: Scorer = Verifier()
    # A function is shown by its address, which would make equal configurations differ.
    equality: Equality = field(default=equal, repr=False)

    def __post_init__(self) -> None:
        """Refuses a scorer that is not ready."""
        require_ready(self.scorer)

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the best of those that give the winning answer."""
        voters = [c for c in candidates if c.value is not None] or list(candidates)
        if len(voters) == 1:
            return voters[0].costless
        scores = await scores_of(self.scorer, voters, context, engine)
        return chosen(await weighted_vote(voters, scores.values, self.equality), scores)


async def weighted_vote(
    candidates: Sequence[Answer], scores: Sequence[float], equality: Equality
) -> Answer:
    """The best of the candidates that give the answer with the most weight; of equals, the first.

    Args:
        candidates: At least one. Those without a final answer vote only if none has one.
        scores: How good each is, as `vote_weights` takes them.
        equality: Tells whether two answers are the same.
    """
    voters = [i for i, c in enumerate(candidates) if c.value is not None]
    voters = voters or list(range(len(candidates)))
    votes = await votes_of((candidates[i].final for i in voters), equality)
    winner = heaviest(votes, vote_weights([scores[i] for i in voters]))
    group = [i for i, vote in zip(voters, votes, strict=True) if vote == winner]
    return candidates[max(group, key=lambda i: scores[i])]


def vote_weights(scores: Sequence[float]) -> list[Fraction]:
    """How much each vote weighs, from its score; never less than nothing.

    A score below 0 would weigh against an answer the more voters give it: where there is one, all are raised until
    the least is 0. What has no score weighs nothing, and where nothing weighs anything, all weigh the same. They are
    fractions so that neither rounding nor the order of the votes decides.

    >>> [float(weight) for weight in vote_weights([0.5, -1.0, float("-inf")])]
    [1.5, 0.0, 0.0]
    """
    if math.inf in scores:
        return [Fraction(score == math.inf) for score in scores]
    known = {score for score in scores if math.isfinite(score)}
    least = min(map(Fraction, known), default=Fraction(0))
    lift = max(-least, Fraction(0))
    weights = [Fraction(score) + lift if score in known else Fraction(0) for score in scores]
    if any(weights):
        return weights
    return [Fraction(score in known or not known) for score in scores]


def heaviest(votes: Sequence[int], weights: Sequence[Fraction]) -> int:
    """The number of the answer with the most weight; of equally heavy ones, the one given first.

    >>> heaviest([0, 1, 1], [Fraction(2), Fraction(1), Fraction(1)])
    0
    """
    sums: dict[int, Fraction] = {}
    for vote, weight in zip(votes, weights, strict=True):
        sums[vote] = sums.get(vote, Fraction(0)) + weight
    return max(sums, key=lambda vote: sums[vote])
