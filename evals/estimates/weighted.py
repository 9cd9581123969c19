"""What a weighted vote among k of n samples is expected to get right.

Sums of weights are too many to be counted as votes are (`majority`). So choices of k are tried: all where these are
few, else some that are drawn with a seed. A problem's figure is then off by 0.8 points at most (one standard error).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from .trials import Trial

if TYPE_CHECKING:
    import numpy as np

DRAWS = 4_096
"""How many choices are tried at most; of up to 14 samples these are all."""

_SEED = 20_210_707
# Sums that differ by less, in parts of the largest weights' sum, differ by rounding.
_ROUNDING = 1e-9


def weighted_at(trials: Sequence[Trial], k: int) -> float:
    """The expected share of right answers that a weighted vote among k of the samples gives.

    The answer with the largest sum of weights wins; tied ones are drawn from, and the winner is right as often as its
    samples are. Where no sample has an answer, the vote is wrong.

    Args:
        trials: All samples at hand; those with an answer have a weight, from 0 on.
        k: How many vote, at most all.
    """
    votes = tuple(trial.vote for trial in trials)
    weights = tuple(trial.weight or 0.0 for trial in trials)
    return _expected(votes, weights, tuple(trial.correct for trial in trials), k)


@lru_cache(maxsize=4096)
def _expected(
    votes: tuple[int | None, ...], weights: tuple[float, ...], correct: tuple[bool, ...], k: int
) -> float:
    # A task's problems are asked about once more where all tasks are pooled.
    import numpy as np

    answers = [vote for vote in dict.fromkeys(votes) if vote is not None]
    if not any(correct) or not answers:
        return 0.0
    voted = np.array([[vote == answer for vote in votes] for answer in answers], dtype=float)
    # A row for each answer and a column for each choice: so numpy adds up whole rows, which is much quicker.
    chosen = _choices(len(votes), k)
    counts = voted @ chosen
    sums = np.where(counts > 0, (voted * weights) @ chosen, -np.inf)
    rounding = _ROUNDING * max(1e-300, math.fsum(weights))
    won = (counts > 0) & (sums >= sums.max(axis=0) - rounding)
    rightness = (voted * correct) @ chosen / np.maximum(counts, 1)
    return float(((won * rightness).sum(axis=0) / np.maximum(won.sum(axis=0), 1)).mean())


def tries_all(count: int, k: int) -> bool:
    """Whether all choices of k of so many samples are tried, so that nothing is left to chance."""
    return math.comb(count, k) <= DRAWS


@lru_cache(maxsize=16)
def _choices(count: int, k: int) -> np.ndarray:
    """A column for each choice: 1 where a sample is taken."""
    import numpy as np

    if tries_all(count, k):
        taken = np.array(list(combinations(range(count), k)))
    else:
        keys = np.random.default_rng(_SEED).random((DRAWS, count))
        taken = np.argpartition(keys, k - 1, axis=1)[:, :k]
    rows = np.zeros((len(taken), count))
    np.put_along_axis(rows, taken, 1.0, axis=1)
    return np.ascontiguousarray(rows.T)
