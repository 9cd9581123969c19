"""Scores answers by how sure the model was of them. It asks nothing: the logprobs came with the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from engines import Context, Engine

from ..answer import Answer
from ..voting.confidence import TOP_LOGPROBS, Measure
from .scorer import Scores


@dataclass(frozen=True, kw_only=True)
class ConfidenceScorer:
    """An answer's score is its confidence (Fu et al. 2025).

    Candidates have one where they were sampled with `logprobs` above 1, 20 in the paper, on an engine that tells them.
    Best-of-n and self-consistency ask for them where this is what scores.

    Attributes:
        measure: Of a thread's places, the `mean`; of its last window, its `tail`; of its lowest 10 % of windows, its
            `bottom`; or of its `lowest` window.
        reads_logprobs: How many logprobs its candidates are to be sampled with.
    """

    reads_logprobs: ClassVar[int] = TOP_LOGPROBS

    measure: Measure = "mean"

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Scores at once; what has no confidence has minus infinity."""
        known = [c.confidence for c in candidates]
        values = tuple(-math.inf if one is None else one.by(self.measure) for one in known)
        return Scores(values=values, remark=_remark(known.count(None), len(known)))


def _remark(unknown: int, total: int) -> str:
    if not unknown:
        return ""
    if unknown == total:
        return (
            "no confidence is known, so all candidates are equal: "
            "set method.method.sampling.logprobs=20, on an engine that tells them"
        )
    return f"of {unknown} of {total} candidates no confidence is known, so they score least"
