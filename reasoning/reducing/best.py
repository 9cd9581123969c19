"""The answer with the highest score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Context, Engine

from ..answer import Answer
from ..scoring.scorer import Scorer, Scores, require_ready, scores_of
from ..scoring.verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class Best:
    """The candidate that a scorer likes most; of equally good ones, the first.

    Attributes:
        scorer: Says how good each is. It is not asked about a single candidate.
    """

    scorer: Scorer = Verifier()

    def __post_init__(self) -> None:
        """Refuses a scorer that is not ready."""
        require_ready(self.scorer)

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Scores all candidates and takes the best."""
        if len(candidates) == 1:
            return candidates[0].costless
        scores = await scores_of(self.scorer, candidates, context, engine)
        best = max(zip(candidates, scores.values, strict=True), key=lambda scored: scored[1])[0]
        return chosen(best, scores)


def chosen(candidate: Answer, scores: Scores) -> Answer:
    """A candidate as the choice of a reducer, to which scoring is all that it took."""
    return replace(
        candidate.costless,
        usage=scores.usage,
        critical_path=scores.critical_path,
        remark="; ".join(filter(None, (candidate.remark, scores.remark))),
    )
