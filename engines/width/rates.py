"""What throughput was measured at which width. Pure.

Single measurements are noisy, and the world changes: a width counts by the middle of its last measurements, and
where the newest contradict those before, everything else is forgotten.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection
from statistics import fmean, median

# Measurements of a width that count.
_REMEMBERED = 12
# Up to which share of the best rate how many measurements will do: the nearer, the more.
_NEEDED = ((0.7, 1), (0.9, 3), (math.inf, 6))
# What chance does not make: a relative difference between the newest measurements and the ones before.
_CHANGED = 0.3
_NEWEST = 3


class Rates:
    """Tokens per second by width."""

    def __init__(self) -> None:
        self._measured: dict[int, deque[float]] = {}
        # Measurements in this round.
        self._recent: Counter[int] = Counter()

    def add(self, width: int, rate: float) -> bool:
        """Adds a measurement; says whether the last ones at this width show that the world has changed."""
        measured = self._measured.setdefault(width, deque(maxlen=_REMEMBERED))
        measured.append(rate)
        self._recent[width] += 1
        before, newest = list(measured)[:-_NEWEST], list(measured)[-_NEWEST:]
        if len(before) < _NEWEST or _is_like(median(newest), median(before)):
            return False
        self._measured = {width: deque(newest, maxlen=_REMEMBERED)}
        self._recent = Counter({width: _NEWEST})
        return True

    def begin_round(self) -> None:
        """From now on every width is to be measured again. What the round before measured still counts."""
        self._measured = {w: rates for w, rates in self._measured.items() if self._recent[w]}
        self._recent.clear()

    def of(self, width: int) -> float:
        """The rate at a width.

        Raises:
            KeyError: It was never measured.
        """
        return _middle(self._measured[width])

    def is_known(self, width: int) -> bool:
        """Whether a width was measured often enough in this round; those near the best need more."""
        recent = self._recent[width]
        if not recent:
            return False
        best = max(map(self.of, self._measured))
        return recent >= next(needed for share, needed in _NEEDED if self.of(width) <= share * best)

    def by_width(self) -> dict[int, float]:
        """The rates of all widths measured, the narrowest first."""
        return {width: self.of(width) for width in sorted(self._measured)}


def _middle(rates: Collection[float]) -> float:
    """The mean of the middle half."""
    ordered = sorted(rates)
    cut = len(ordered) // 4
    return fmean(ordered[cut : len(ordered) - cut])


def _is_like(rate: float, other: float) -> bool:
    return abs(rate - other) <= _CHANGED * other
