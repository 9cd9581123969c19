"""How far a part is, now and then in a line on stderr: on a CPU it takes hours. Parts run side by side: each is named.

words: 20 of 400 samples · 12 min left · 85.0 % right so far
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from evals.evaluation.tally import Tally
from orchestrator import Event

_SECONDS = 30.0


def say(line: str) -> None:
    """Says it now."""
    sys.stderr.write(f"{line}\n")


class NowAndThen:
    """Says a line if half a minute is over since the last one, or since it was made.

    Args:
        name: What is told of.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._start = self._told = anyio.current_time()

    def tell(self, line: Callable[[float], str]) -> None:
        """Says it if it is time; `line` is given the seconds since the beginning."""
        now = anyio.current_time()
        if now - self._told >= _SECONDS:
            self._told = now
            say(f"{self._name}: {line(now - self._start)}")


class Done:
    """Counts what is done of something.

    Args:
        name: Of what.
        total: How much there is.
        things: What they are called.
    """

    def __init__(self, name: str, total: int, things: str) -> None:
        self._total = total
        self._things = things
        self._done = 0
        self._lines = NowAndThen(name)

    def add(self) -> None:
        """One more is done."""
        self._done += 1
        self._lines.tell(lambda seconds: f"{self._done:,} of {self._total:,} {self._things}")


class SamplesTold:
    """Watches evaluations of systems that are measured at the same time.

    Args:
        name: Of what is measured.

    Attributes:
        live: It does not look at tokens.
    """

    live = False

    def __init__(self, name: str) -> None:
        self._lines = NowAndThen(name)
        self._all = Tally(total=0)
        self._tallies: list[Tally] = []

    def begin(self, tally: Tally, path: Path) -> None:
        """Samples of one more evaluation are made from here on."""
        self._tallies.append(tally)
        self._all.total += tally.total
        self._all.there += tally.there

    def hear(self, event: Event) -> None:
        """Something happened in one of them."""
        self._all.hear(event)
        self._lines.tell(self._line)

    def end(self) -> None:
        """One of them makes no more samples."""

    def _line(self, seconds: float) -> str:
        # Grades are no events.
        self._all.graded = sum(tally.graded for tally in self._tallies)
        self._all.correct = sum(tally.correct for tally in self._tallies)
        return self._all.line(seconds)
