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
    return math.prod(rewards) if how == "prod" else math.fsum(rewards) / len(rewards)
