"""Keeps calls away from what fails: a state machine with times as arguments. Pure: it knows no clock.

closed ── n failures in a row, or a fatal one ──> open ── cool-down, then one call as a probe ──> half-open
  ^                                                 ^                                                 │ │
  │                                                 └───────── it failed: twice the cool-down ────────┘ │
  └───────────────────────────────────────── it succeeded ──────────────────────────────────────────────┘
"""

from __future__ import annotations

from typing import Literal

BreakerState = Literal["closed", "open", "half-open"]


class CircuitBreaker:
    """Says whether something that has failed may be tried.

    What calls that began before it opened have to tell is old news then and changes nothing.

    Args:
        failures: How many in a row open it.
        cool_down: Seconds until the first probe.
        longest_cool_down: What the cool-down doubles up to.
    """

    def __init__(self, *, failures: int, cool_down: float, longest_cool_down: float) -> None:
        self._limit = failures
        self._first_cool_down = cool_down
        self._longest_cool_down = longest_cool_down
        self._cool_down = cool_down
        self._failures = 0
        self._probe_at = 0.0
        self._state: BreakerState = "closed"

    @property
    def state(self) -> BreakerState:
        """Whether calls go through, none, or one as a probe."""
        return self._state

    def wait(self, now: float) -> float:
        """Seconds until it may let a call through; 0 where it does, or is about to know."""
        return max(0.0, self._probe_at - now) if self._state == "open" else 0.0

    def wants_probe(self, now: float) -> bool:
        """Whether the next call should be its probe."""
        return self._state == "open" and now >= self._probe_at

    def allows(self, now: float) -> bool:
        """Whether a call may begin now."""
        return self._state == "closed" or self.wants_probe(now)

    def begin(self, now: float) -> bool:
        """A call begins; returns whether it is the probe."""
        if not self.wants_probe(now):
            return False
        self._state = "half-open"
        return True

    def succeed(self, *, probe: bool = False) -> None:
        """A call got an answer."""
        if probe:
            self._state = "closed"
            self._cool_down = self._first_cool_down
        if self._state == "closed":
            self._failures = 0

    def fail(self, now: float, *, probe: bool = False, fatal: bool = False) -> bool:
        """A call failed; returns whether that opened the breaker. A fatal failure opens it at once."""
        if probe:
            self._cool_down = min(2 * self._cool_down, self._longest_cool_down)
        elif self._state == "closed":
            self._failures += 1
            if not fatal and self._failures < self._limit:
                return False
        else:
            return False
        self._state = "open"
        self._failures = 0
        self._probe_at = now + self._cool_down
        return True

    def abandon(self, *, probe: bool = False) -> None:
        """A call ended without telling anything, such as one that was cancelled; the next may be the probe."""
        if probe:
            self._state = "open"
