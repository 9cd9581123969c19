"""A process reward model that is right more often than not: the exact check of a puzzle, noise on its logit.

thought ─> can what is left still reach 24? ─> logit +m or -m ─> Gaussian noise ─> probability
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Context, Engine
from evals.game24 import Numbers, makes_24, on_track
from reasoning import Answer
from reasoning.scoring.check import Check
from reasoning.scoring.noisy import Noisy
from reasoning.scoring.scorer import Scorer, Scores

# The logit of what is right, without noise: a reward of 0.82.
_LOGIT = 1.5


@dataclass(frozen=True, kw_only=True)
class Probability:
    """Another scorer whose values are logits."""

    scorer: Scorer

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """The other's scores between 0 and 1."""
        scores = await self.scorer.score(candidates, context, engine)
        return replace(scores, values=tuple(1 / (1 + math.exp(-value)) for value in scores.values))


def right(numbers: Numbers, answer: Answer) -> bool:
    """Whether an answer solves the puzzle, or a thought without one may still."""
    if answer.value is not None:
        return makes_24(numbers, answer.value)
    return on_track(numbers, answer.text)


def verifier(numbers: Numbers, deviation: float, seed: int) -> Scorer:
    """The scorer of a puzzle.

    Args:
        numbers: The puzzle.
        deviation: Of the noise, in units of the logit.
        seed: Other seeds make other mistakes.
    """

    def logit(answer: Answer) -> float:
        return _LOGIT if right(numbers, answer) else -_LOGIT

    return Probability(scorer=Noisy(scorer=Check(check=logit), deviation=deviation, seed=seed))
