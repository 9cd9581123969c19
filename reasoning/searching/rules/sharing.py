"""Shares a width out among leaves by their scores: the exact sums that rules have in common. Pure.

It knows scores and counts, but no nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

# Above the rounding of ten thousand sums, below the share of one leaf of a million.
_EPSILON = 1e-7


def shared_out(scores: Sequence[float], width: int, temperature: float) -> list[int]:
    """The children of each leaf, in proportion to the softmax of the scores; their sum is exactly the width.

    From the best leaf to the worst, each gets its share of what is left of the width, rounded up (REBASE: Wu et al.
    2024, Inference Scaling Laws, section 3.2). So a better leaf never gets fewer, and of equals the first get what is
    odd. No leaves share nothing.

    Args:
        scores: One per leaf, also infinite ones, but never NaN.
        width: The children to share out, 0 or more.
        temperature: Above 0; the smaller, the more the best leaf gets.
    """
    ranks = sorted(range(len(scores)), key=lambda leaf: -scores[leaf])
    weights = softmax_weights([scores[leaf] for leaf in ranks], temperature)
    # Added up from the smallest: subtracting from the whole would drift, to 0 or below it.
    masses = list(accumulate(reversed(weights)))[::-1]
    counts = []
    for weight, mass in zip(weights, masses, strict=True):
        # Where a share is a whole number, rounding up must not see what floats add to it.
        count = math.ceil(width * (weight / mass) - _EPSILON) if weight else 0
        counts.append(count)
        width -= count
    # The epsilon may have put two shares that differ by less than it in the wrong order.
    counts.sort(reverse=True)
    shares = [0] * len(scores)
    for leaf, count in zip(ranks, counts, strict=True):
        shares[leaf] = count
    return shares


def shared_evenly(width: int, leaves: int) -> list[int]:
    """The children of each of so many leaves, as even as can be; the first get what is odd."""
    return [width // leaves + (leaf < width % leaves) for leaf in range(leaves)]


def softmax_weights(scores: Sequence[float], temperature: float) -> list[float]:
    """The softmax of scores before it is divided by its sum: 1 for the best, 0 for those that are infinitely worse.

    Args:
        scores: Also infinite ones, but never NaN.
        temperature: Above 0.
    """
    top = max(scores, default=0.0)
    # Infinity less infinity is not a number.
    return [1.0 if score == top else math.exp((score - top) / temperature) for score in scores]
