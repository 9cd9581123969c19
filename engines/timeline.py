"""A number that changes over time, kept in bounded memory: its peak, its sum over time, and how it went. Pure.

    value │    ┌──┐                 spans of equal length, each with its mean and its peak; when time
          │ ┌──┘  └─────┐           goes beyond the last one, two become one, twice as long
          └─┴──┬─────┬──┴──> time

It reads no clock.
"""

from __future__ import annotations

from typing import NamedTuple

_LONGEST = 256
_SHORTEST_SECONDS = 1 / 64


class Span(NamedTuple):
    """A part of a timeline.

    Attributes:
        start: Seconds since the timeline's beginning.
        seconds: How long it is.
        mean: The mean over it.
        peak: The most in it, however shortly.
    """

    start: float
    seconds: float
    mean: float
    peak: int


class Timeline:
    """A number over time, 0 or more; 0 at first.

    Attributes:
        value: What it is now.
        peak: The most that it was, however shortly.
        area: Its sum over time: the value times its seconds.
    """

    def __init__(self) -> None:
        self.value = 0
        self.peak = 0
        self.area = 0.0
        self._begin: float | None = None
        self._now = 0.0
        self._seconds = _SHORTEST_SECONDS
        self._areas = [0.0] * _LONGEST
        self._peaks = [0] * _LONGEST

    def set(self, value: int, now: float) -> None:
        """Changes it; `now` in seconds, never before the last one."""
        if self._begin is None:
            self._begin = self._now = now
        self._go_on(now)
        self.value = value
        self._note(self._place(now), 0.0)

    @property
    def spans(self) -> tuple[Span, ...]:
        """How it went until the last change, in some hundred spans at most."""
        if self._begin is None:
            return ()
        length, last = self._seconds, self._place(self._now)
        found = []
        for i in range(last + 1):
            seconds = length if i < last else self._now - self._begin - last * length
            mean = self._areas[i] / seconds if seconds > 0 else float(self._peaks[i])
            found.append(Span(i * length, seconds, mean, self._peaks[i]))
        return tuple(found)

    def _go_on(self, now: float) -> None:
        begin, before = self._begin or 0.0, self._now
        while now - begin >= self._seconds * _LONGEST:
            self._halve()
        self.area += self.value * (now - before)
        for i in range(self._place(before), self._place(now) + 1):
            start = begin + i * self._seconds
            within = min(now, start + self._seconds) - max(before, start)
            self._note(i, self.value * max(within, 0.0))
        self._now = now

    def _note(self, place: int, area: float) -> None:
        self._areas[place] += area
        self._peaks[place] = max(self._peaks[place], self.value)
        self.peak = max(self.peak, self.value)

    def _place(self, time: float) -> int:
        return min(int((time - (self._begin or 0.0)) / self._seconds), _LONGEST - 1)

    def _halve(self) -> None:
        """Makes one span of two, so that there is room for as many again."""
        areas, peaks = self._areas, self._peaks
        empty = _LONGEST // 2
        self._areas = [a + b for a, b in zip(areas[::2], areas[1::2], strict=True)] + [0.0] * empty
        self._peaks = [max(a, b) for a, b in zip(peaks[::2], peaks[1::2], strict=True)] + [
            0
        ] * empty
        self._seconds *= 2
