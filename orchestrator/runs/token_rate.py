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
        """Tokens per second since the oldest look in the window."""
        self._looks.append((now, tokens))
        while now - self._looks[0][0] > self._window:
            self._looks.popleft()
        then, before = self._looks[0]
        return max(0.0, (tokens - before) / (now - then)) if now > then else 0.0
