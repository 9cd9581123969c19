"""Which steps are worth how much thinking: a threshold of difficulty, and what a token budget makes of it. Pure.

It does not know how difficulty is told, nor which methods think.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def is_hard(score: float, threshold: float) -> bool:
    """Whether a step is for System 2: its score has to be above the threshold, not at it."""
    return score > threshold


def expected_tokens(
    scores: Sequence[float], easy_tokens: int, hard_tokens: Sequence[int], threshold: float
) -> int:
    """What all steps take together under a threshold.

    Args:
        scores: How difficult each step is, 0 to 1.
        easy_tokens: What a step takes with System 1.
        hard_tokens: What each step takes with System 2.
        threshold: Steps above it are for System 2.
    """
    return sum(
        hard if is_hard(score, threshold) else easy_tokens
        for score, hard in zip(scores, hard_tokens, strict=True)
    )


def threshold_for(
    scores: Sequence[float], easy_tokens: int, hard_tokens: Sequence[int], budget: float
) -> float:
    """The smallest threshold under which all steps together take no more than `budget` tokens.

    Thresholds are 0 and the scores, since between two of these nothing changes; so steps of equal scores go the same
    way, and steps of score 0 are always easy. Where even easy steps take more, it is 1: all are easy.

    >>> threshold_for([0.2, 0.6, 0.9], 10, [100, 100, 100], 220)
    0.2
    """
    for threshold in sorted({0.0, *scores}):
        if expected_tokens(scores, easy_tokens, hard_tokens, threshold) <= budget:
            return threshold
    return 1.0


def thinking_tokens(score: float, least: int, most: int) -> int:
    """The thinking budget of a hard step, which grows with its difficulty from `least` to `most`."""
    return math.floor(least + (most - least) * score)
