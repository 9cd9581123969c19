"""Another scorer, made worse on purpose: for experiments on what a search makes of scores that are not exact."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from engines import Context, Engine, UsageError

from ..answer import Answer
from .scorer import Scorer, Scores, require_ready, scores_of
from .step_verifier import StepVerifier


@dataclass(frozen=True, kw_only=True)
class Noisy:
    """The other scorer's values with Gaussian noise.

    The noise of a candidate follows from its text and the seed, and from nothing else: not from when it is asked for,
    nor beside which others.

    Attributes:
        scorer: Scores.
        deviation: The standard deviation of the noise, 0 or more.
        seed: Other seeds make other noise.
    """

    scorer: Scorer = StepVerifier()
    deviation: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses noise of less than nothing or without end, and a scorer that is not ready."""
        if not (math.isfinite(self.deviation) and self.deviation >= 0):
            raise UsageError(f"deviation={self.deviation}: give a number, 0 or more")
        require_ready(self.scorer)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """The other's scores, each with its noise."""
        scores = await scores_of(self.scorer, candidates, context, engine)
        values = zip(scores.values, candidates, strict=True)
        return replace(scores, values=tuple(value + self._noise(said) for value, said in values))

    def _noise(self, candidate: Answer) -> float:
        said = f"{self.seed}:{candidate.text}".encode("utf-8", "surrogatepass")
        return Random(hashlib.sha256(said).digest()).gauss(0, self.deviation)
