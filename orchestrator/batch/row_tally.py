"""How far a batch has come, as numbers and in a line. It reads no clock and does no I/O."""

from __future__ import annotations

from ..runs.token_rate import TokenRate
from ..runs.words import duration

# The rate of the last moments, and what is left, would jump about.
_WINDOW = 60.0


class RowTally:
    """Counts rows as they end.

    Args:
        total: How many there are.
        done: How many an earlier process did.
        failed: How many of these failed.

    Attributes:
        total: How many there are.
        done: How many have ended.
        failed: How many of these failed.
    """

    def __init__(self, total: int, *, done: int = 0, failed: int = 0) -> None:
        self.total = total
        self.done = done
        self.failed = failed
        self._rate = TokenRate(_WINDOW)
        self._rate.look(now=0.0, tokens=done)

    def add(self, *, failed: bool = False) -> None:
        """One more row has ended."""
        self.done += 1
        self.failed += failed

    def line(self, now: float) -> str:
        """All of it in a line.

        Args:
            now: Seconds since the first row was begun, which only grow.
        """
        told = [f"{self.done:,} of {self.total:,} rows"]
        if self.failed:
            told.append(f"{self.failed:,} failed")
        rate = self._rate.look(now=now, tokens=self.done)
        if rate > 0:
            told.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
            if left := self.total - self.done:
                told.append(f"about {duration(left / rate)} left")
        return " · ".join(told)
