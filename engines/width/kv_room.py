"""How many calls the KV cache holds, from what those in it take (Pipette's memory estimate, measured). Pure."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

_REMEMBERED = 5


class KvRoom:
    """What calls take of the KV cache: the median of the last few measurements."""

    def __init__(self) -> None:
        self._shares: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, calls: int, usage: float) -> None:
        """Takes how many calls fill which share of the cache."""
        if calls > 0:
            self._shares.append(usage / calls)

    def calls(self, usage: float) -> float:
        """How many calls fill this share of the cache; infinity where that is not known."""
        share = median(self._shares) if self._shares else 0
        return usage / share if share else math.inf
