"""Says how many calls to run at once, so that the engine generates the most tokens per second. Pure: measurements in.

    measurements ─> windows at one width ─> WidthSearch ─> the width to go to, as far as the KV cache has room

More calls at once make fuller batches, until they crowd each other out of the KV cache or cost more than they bring.
Where that begins depends on the model, the machine and the lengths, so it is measured (after Pipette, which chooses
from measured rates under a memory limit, and APEX, which finds the width of a plan on a model of the engine).
"""

from __future__ import annotations

from dataclasses import dataclass

from .kv_room import KvRoom
from .policy import WidthPolicy
from .search import WidthSearch

# The share by which the calls in flight may differ from the width while it is measured.
_SETTLED = 0.1
# How full the KV cache may be where calls begin to crowd each other out, and where a wider width is tried.
_FULL = 0.98
_FULL_ENOUGH = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a limiter and its engine are doing at a time.

    Attributes:
        seconds: The time.
        tokens: Tokens generated so far.
        in_flight: Calls that the limiter has let in.
        waiting: Calls that wait for it to.
        running: Calls that the engine decodes; the others in flight wait inside of it.
        kv_usage: The share of the KV cache in use, 0 to 1.
    """

    seconds: float
    tokens: int
    in_flight: int
    waiting: int
    running: int
    kv_usage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthStatistics:
    """What a controller knows.

    Attributes:
        width: The width now.
        resting: Whether it takes this width for the best, and looks for no other.
        rates: Tokens per second by width, as far as they are remembered.
    """

    width: int
    resting: bool
    rates: dict[int, float]


class WidthController:
    """Finds the best width by trying, and follows it.

    Args:
        policy: Where to search, and how often.
    """

    def __init__(self, policy: WidthPolicy | None = None) -> None:
        policy = policy or WidthPolicy()
        self._width = policy.start
        self._search = WidthSearch(policy)
        self._room = KvRoom()
        # How many calls wanted to run at last: what is wider than that cannot be measured, and would never be left.
        self._demand = 0
        # Where a window can begin, and whether one has ended at this width before.
        self._begin: Measurement | None = None
        self._warm = False

    @property
    def width(self) -> int:
        """The width now."""
        return self._width

    def statistics(self) -> WidthStatistics:
        """What it knows now."""
        return WidthStatistics(
            width=self._width, resting=self._search.resting, rates=self._search.rates
        )

    def observe(self, measurement: Measurement) -> int:
        """Takes a measurement; returns the width from now on.

        Only time counts in which the width was made full use of, and not the first such window after a change:
        calls that have all just begun are no measure of what is to come.
        """
        self._room.add(measurement.running, measurement.kv_usage)
        self._demand = measurement.in_flight + measurement.waiting
        begin, self._begin = self._begin, self._usable(measurement)
        if begin is not None and self._begin is not None:
            if self._warm:
                self._learn(begin, measurement)
            self._warm = True
        if self._width > self._room.calls(_FULL):
            self._choose()
        return self._width

    def _usable(self, measurement: Measurement) -> Measurement | None:
        demand = measurement.in_flight + measurement.waiting
        excess = measurement.in_flight - self._width
        is_usable = demand >= self._width and excess <= max(1, _SETTLED * self._width)
        return measurement if is_usable else None

    def _learn(self, begin: Measurement, end: Measurement) -> None:
        seconds, tokens = end.seconds - begin.seconds, end.tokens - begin.tokens
        # A server that was started again counts from 0.
        if seconds > 0 and tokens >= 0:
            self._search.learn(self._width, tokens / seconds, seconds)
            self._choose()

    def _choose(self) -> None:
        room_to_stay = self._room.calls(_FULL)
        room_to_grow = min(self._room.calls(_FULL_ENOUGH), self._demand)
        width = self._search.choose(self._width, room_to_stay, room_to_grow)
        if width != self._width:
            self._width, self._begin, self._warm = width, None, False
