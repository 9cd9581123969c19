"""The search for the width with the most tokens per second. Pure: rates in, the width to measure next out.

A pattern search on a geometric grid: neighbours of the best width at a factor of 2, then 1.4, then 1.2; then it
rests. After a while it looks at the neighbours again, and where the world has changed it begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from .policy import WidthPolicy
from .rates import Rates

# Steps on the grid to a neighbour: in the first round, which ends at the finest, and in those after a rest.
_COARSE, _FINE = 8, 2
_AFTER_REST = 4
# A wider one has to be that much better: it makes every call slower.
_CLEARLY = 1.03
_LONGEST_PATIENCE = 4


class WidthSearch:
    """Which width to measure next.

    Args:
        policy: Where to search, and how often.

    Attributes:
        resting: Whether it takes the last choice for the best, and looks for no other.
    """

    def __init__(self, policy: WidthPolicy) -> None:
        self.resting = False
        self._policy = policy
        self._grid = policy.grid
        self._rates = Rates()
        # Seconds of work since the search came to rest.
        self._rested = 0.0
        self._begin_anew(policy.start)

    @property
    def rates(self) -> dict[int, float]:
        """Tokens per second by width, as far as they are remembered."""
        return self._rates.by_width()

    def learn(self, width: int, rate: float, seconds: float) -> None:
        """Takes the rate at a width, measured over some seconds."""
        if self._rates.add(width, rate):
            self._begin_anew(width)
        self._rested = self._rested + seconds if self.resting else 0
        if self._rested >= self._patience:
            self._begin_round()

    def choose(self, width: int, room_to_stay: float, room_to_grow: float) -> int:
        """The width to go to.

        Args:
            width: The one now.
            room_to_stay: How many calls the KV cache holds just so.
            room_to_grow: How many it holds with some to spare.
        """
        self.resting = False
        fitting = [w for w in self._grid if w <= (room_to_stay if w <= width else room_to_grow)]
        fitting = fitting or [self._grid[0]]
        if width not in fitting:
            return fitting[-1]
        if not self._rates.is_known(width):
            return width
        self._best = self._best_of(fitting)
        unknown = self._unknown_neighbour(fitting)
        while unknown is None and self._stride > self._finest:
            self._stride //= 2
            unknown = self._unknown_neighbour(fitting)
        self.resting = unknown is None
        return self._best if unknown is None else unknown

    def _best_of(self, widths: Sequence[int]) -> int:
        """The best one so far: that of before, unless a narrower one is better or a wider one clearly so."""
        rates = self._rates.by_width()
        worth = {
            width: rates[width] / (_CLEARLY if width > self._best else 1)
            for width in widths
            if width in rates
        }
        return max(worth, key=worth.__getitem__)

    def _unknown_neighbour(self, widths: Sequence[int]) -> int | None:
        place = widths.index(self._best)
        wider = widths[min(place + self._stride, len(widths) - 1)]
        narrower = widths[max(place - self._stride, 0)]
        return next((w for w in (wider, narrower) if not self._rates.is_known(w)), None)

    def _begin_anew(self, width: int) -> None:
        self._best = self._found = width
        self._stride, self._finest = _COARSE, _FINE
        self._patience = self._policy.patience
        self._rested = 0.0

    def _begin_round(self) -> None:
        longest = _LONGEST_PATIENCE * self._policy.patience
        is_same = self._best == self._found
        self._patience = min(2 * self._patience, longest) if is_same else self._policy.patience
        self._found, self._rested = self._best, 0.0
        self._stride = self._finest = _AFTER_REST
        self._rates.begin_round()
