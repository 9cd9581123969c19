"""Scores answers by how sure the model was of them. It asks nothing: the logprobs came with the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engines import Context, Engine

from ..answer import Answer
from ..voting.confidence import Measure
from .scorer import Scores


@dataclass(frozen=True, kw_only=True)
class ConfidenceScorer:
    """An answer's score is its confidence (Fu et al. 2025).

    Candidates have one where they were sampled with `logprobs` above 1, 20 in the paper, on an engine that tells them.

    Attributes:
        measure: Of a thread's places, the `mean`; of its last window, its `tail`; of its lowest 10 % of windows, its
            `bottom`; or of its `lowest` window.
    """

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
        return "no confidence is known, so all candidates are equal: sample with logprobs=20"
    return f"of {unknown} of {total} candidates no confidence is known, so they score least"
