"""How far an evaluation has come, as numbers and in a line. A fold over events: it reads no clock and does no I/O."""

from __future__ import annotations

from collections import Counter

from engines import Status
from orchestrator import Event, GenerationFinished, NodeFinished, NodeStarted, TokensGenerated
from orchestrator.runs.token_rate import TokenRate
from orchestrator.runs.words import duration

# Seconds over which is looked how fast samples end, and tokens come.
_SAMPLES_WINDOW, _TOKENS_WINDOW = 120.0, 10.0


class Tally:
    """Subscribe `hear` to the events of an evaluation.

    Args:
        total: How many samples there will be.
        there: How many of them an earlier process has made.

    Attributes:
        running: Samples at work.
        ended: How many have ended, by how.
        graded: How many are graded.
        correct: How many of these are right.
        tokens: Generated so far, but for calls that the journal answered.
    """

    def __init__(self, total: int, there: int = 0) -> None:
        self.total = total
        self.there = there
        self.running = 0
        self.ended: Counter[Status] = Counter()
        self.graded = 0
        self.correct = 0
        self._generated = 0
        # Told while they come, by calls that have not ended.
        self._streamed = 0
        self._samples_rate = TokenRate(_SAMPLES_WINDOW)
        self._tokens_rate = TokenRate(_TOKENS_WINDOW)
        # Without it the first line says how fast it was since nobody knows when.
        self._tokens_rate.look(now=0.0, tokens=0)

    @property
    def done(self) -> int:
        """Samples that count."""
        return self.there + self.ended["ok"] + self.ended["truncated"]

    @property
    def lost(self) -> int:
        """Samples that are to be done again."""
        return self.ended["failed"] + self.ended["cancelled"]

    @property
    def tokens(self) -> int:
        """Tokens that were generated since it began."""
        return self._generated + self._streamed

    def hear(self, event: Event) -> None:
        """Takes note of an event."""
        match event:
            case NodeStarted():
                self.running += 1
            case NodeFinished():
                self.running -= 1
                self.ended[event.status] += 1
            case TokensGenerated():
                self._streamed += event.tokens
            case GenerationFinished():
                tokens = event.usage.generated_tokens
                self._streamed = max(0, self._streamed - tokens)
                self._generated += 0 if event.replayed else tokens

    def grade(self, correct: bool) -> None:
        """Takes note of a grade."""
        self.graded += 1
        self.correct += correct

    def line(self, now: float) -> str:
        """All of it in a line.

        Args:
            now: Seconds since it began, which only grow.
        """
        # What matters most comes first, since a narrow terminal cuts the end.
        told = [f"{self.done:,} of {self.total:,} samples"]
        left = self.seconds_left(now)
        if left is not None and self.running:
            told.append(f"{duration(left)} left")
        if self.graded and self.running:
            # Grading lags behind, so that the last line would say something else than the figures.
            told.append(f"{100 * self.correct / self.graded:.1f} % right so far")
        if self.running:
            told.append(f"{self.running:,} running")
        if self.lost:
            told.append(f"{self.lost:,} failed")
        rate = self._tokens_rate.look(now=now, tokens=self.tokens)
        if rate:
            told.append(f"{rate:,.0f} tokens/s")
        return " · ".join(told)

    def seconds_left(self, now: float) -> float | None:
        """How long the rest will take, by how fast samples ended lately; None where none has, or none is left."""
        ended = self.ended.total()
        left = self.total - self.there - ended
        rate = self._samples_rate.look(now=now, tokens=ended)
        if not rate and now > 0:
            rate = ended / now
        return left / rate if left and rate else None
