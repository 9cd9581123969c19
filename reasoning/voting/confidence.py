"""How sure a model was of what it wrote, by the logprobs of its tokens (Fu et al. 2025, "Deep Think with Confidence").

    place       20 likeliest tokens ─> confidence = - mean of their logprobs: high where all but one are unlikely
    window      the last 2048 places ─> their mean, at each place anew, in constant time
    thread      mean of all, of the last window, of the lowest 10 % of windows, of the lowest window

Pure. What is not known is left out: NaN, minus infinity, places without alternatives. Nothing known is None, never NaN.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from engines import TokenLogprobs

Measure = Literal["mean", "tail", "bottom", "lowest"]

# The paper's.
TOP_LOGPROBS = 20
WINDOW = 2048
_BOTTOM_PERCENT = 10

# Sums of integers stay exact however many are added and taken away again; so fine, each is off by 1e-10 at most.
_UNIT = 1 << 32
# What servers write for minus infinity, where a format has none.
_IMPOSSIBLE = -9999.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How sure a model was over a thread, 0 at least, in nats.

    Attributes:
        mean: Over all places.
        tail: Over the last window.
        bottom: Over the lowest 10 % of the full windows.
        lowest: Of the lowest full window. A thread shorter than a window is one window.
    """

    mean: float
    tail: float
    bottom: float
    lowest: float

    def by(self, measure: Measure) -> float:
        """One of the four."""
        value: float = getattr(self, measure)
        return value


def token_confidence(place: TokenLogprobs) -> float | None:
    """Minus the mean logprob of the likeliest tokens; None where fewer than two are known.

    One alone says nothing: with no alternatives to be unlikely, the surest token would have the least confidence.

    >>> from engines import Logprob
    >>> token_confidence(TokenLogprobs(Logprob("a", -0.5), (Logprob("a", -0.5), Logprob("b", -3.5))))
    2.0
    """
    values = place.top_values
    total = sum(values)
    # Of most places all is known; NaN compares as false.
    if not _IMPOSSIBLE < total <= 0:
        values = [value for value in values if _IMPOSSIBLE < value <= 0]
        total = sum(values)
    return -total / len(values) if len(values) > 1 else None


def confidence_of(places: Sequence[TokenLogprobs], *, window: int = WINDOW) -> Confidence | None:
    """The confidence of a thread; None where that of no place is known."""
    trace = ConfidenceTrace(window)
    trace.add(places)
    return trace.confidence


def percentile_threshold(confidences: Sequence[float], keep_percent: float) -> float:
    """The confidence that the top `keep_percent` of some reach: the percentile 100 - keep_percent.

    Args:
        confidences: At least one.
        keep_percent: In (0, 100].

    >>> percentile_threshold([4.0, 1.0, 3.0, 2.0, 5.0], 75)
    2.0
    """
    ordered = sorted(confidences)
    below, share = divmod((len(ordered) - 1) * (100 - keep_percent) / 100, 1)
    low = ordered[int(below)]
    high = ordered[min(int(below) + 1, len(ordered) - 1)]
    return min(low + share * (high - low), high)


class ConfidenceTrace:
    """The confidence of a thread while it comes, in constant time for each token.

    Args:
        window: Places in a window, at least 1; those of which nothing is known do not count.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._last: deque[int] = deque()
        self._last_sum = 0
        self._sum = 0
        self._count = 0
        self._full: array[float] = array("d")
        self._lowest_sum = math.inf

    def add(self, places: Iterable[TokenLogprobs]) -> None:
        """Takes the next places."""
        for place in places:
            known = token_confidence(place)
            if known is not None:
                self._add(int(known * _UNIT))

    @property
    def lowest_full(self) -> float:
        """The mean of the lowest full window; infinite before there is one."""
        return self._mean(self._lowest_sum, self._window)

    @property
    def confidence(self) -> Confidence | None:
        """The confidence so far; None before the first place that is known."""
        if not self._last:
            return None
        mean = self._mean(self._sum, self._count)
        tail = self._mean(self._last_sum, len(self._last))
        if not self._full:
            return Confidence(mean=mean, tail=tail, bottom=mean, lowest=mean)
        worst = heapq.nsmallest(max(1, len(self._full) * _BOTTOM_PERCENT // 100), self._full)
        bottom = self._mean(math.fsum(worst), self._window * len(worst))
        return Confidence(mean=mean, tail=tail, bottom=bottom, lowest=self.lowest_full)

    def _add(self, value: int) -> None:
        self._sum += value
        self._count += 1
        self._last.append(value)
        self._last_sum += value
        if len(self._last) > self._window:
            self._last_sum -= self._last.popleft()
        if len(self._last) == self._window:
            self._full.append(self._last_sum)
            self._lowest_sum = min(self._lowest_sum, self._last_sum)

    @staticmethod
    def _mean(total: float, count: int) -> float:
        return total / count / _UNIT
