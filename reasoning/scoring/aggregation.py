"""One score of the rewards of steps. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Aggregation = Literal["last", "min", "prod", "mean"]


def aggregate(rewards: Sequence[float], how: Aggregation) -> float:
    """One score of the rewards of steps, at least one.

    >>> [aggregate((0.5, 0.25, 1.0), how) for how in ("last", "min", "prod")]
    [1.0, 0.25, 0.125]
    """
    if how == "last":
        return rewards[-1]
    if how == "min":
        return min(rewards)
    if how == "prod":
        return math.prod(rewards)
    try:
        return math.fsum(rewards) / len(rewards)
    except (OverflowError, ValueError):
        # The sum is too large, where shares of it are not; or it is of infinities of both signs, and NaN.
        return sum(reward / len(rewards) for reward in rewards)
