"""Tokens per second over the last moments, from looks at a counter."""

from __future__ import annotations

from collections import deque

_WINDOW = 5.0


class TokenRate:
    """How fast a counter grows, by what it was at earlier looks.

    Args:
        window: Seconds that it looks back.

    >>> rate = TokenRate()
    >>> [rate.look(now=0.0, tokens=0), rate.look(now=1.0, tokens=50), rate.look(now=2.0, tokens=200)]
    [0.0, 50.0, 100.0]
    """

    def __init__(self, window: float = _WINDOW) -> None:
        self._window = window
        self._looks: deque[tuple[float, int]] = deque()

    def look(self, *, now: float, tokens: int) -> float:
        """Tokens per second since the last look before the window; since the first one, where there is none.

        Where the clock began anew, as it does when a run begins after its engine, earlier looks are forgotten.
        """
        if self._looks and now < self._looks[-1][0]:
            self._looks.clear()
        self._looks.append((now, tokens))
        while len(self._looks) > 1 and now - self._looks[1][0] >= self._window:
            self._looks.popleft()
        then, before = self._looks[0]
        return max(0.0, (tokens - before) / (now - then)) if now > then else 0.0
