"""How fast things go and how long they get: what a simulation needs to know. Pure; measuring is another's affair."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engines import UsageError

GUESSED_PACE: Mapping[int, float] = {1: 0.02}
GUESSED_TOOL = 1.0


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What is known of an engine, of tools and of methods.

    Attributes:
        pace: Seconds that a thread takes for a token, by the number of threads that run; at least one. It is between
            its neighbours for a number between them, and stays as it is beyond the last.
        tools: Seconds that a call of a tool takes, by its name.
        tool: The same for tools that are not among them.
        tokens: What a thread of a method or a reduction by a reducer generates, one token after another, by the name
            of either.
        threads: How many threads a method has side by side, by its name.
        calls: How many calls of the engine a thread of a method makes one after another, by its name; one where it is
            not there.
        source: Where it comes from, in words.

    Raises:
        UsageError: A number is no rate.
    """

    pace: Mapping[int, float] = field(default_factory=lambda: GUESSED_PACE)
    tools: Mapping[str, float] = field(default_factory=dict)
    tool: float = GUESSED_TOOL
    tokens: Mapping[str, float] = field(default_factory=dict)
    threads: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    source: str = "guesses"

    def __post_init__(self) -> None:
        """Refuses what is no rate."""
        numbers = (self.pace, self.tools, self.tokens, self.threads, {"": self.tool})
        if not self.pace or not all(0 <= n < math.inf for part in numbers for n in part.values()):
            raise UsageError("a rate is a number from 0 on, and there is a pace at least")

    @property
    def most_threads(self) -> int:
        """The largest number of threads at which the pace is known."""
        return max(self.pace)

    def seconds_per_token(self, threads: int) -> float:
        """The pace of a thread while so many run, itself included.

        >>> rates = Rates(pace={1: 0.02, 4: 0.04})
        >>> [rates.seconds_per_token(threads) for threads in (1, 2, 4, 100)]
        [0.02, 0.03, 0.04, 0.04]
        """
        known = sorted(self.pace)
        place = bisect_left(known, threads)
        if place == 0:
            return self.pace[known[0]]
        if place == len(known):
            return self.pace[known[-1]]
        low, high = known[place - 1], known[place]
        # Steps from one to two and from ten to twenty count the same.
        part = math.log(threads / low) / math.log(high / low)
        return self.pace[low] + part * (self.pace[high] - self.pace[low])


def with_given_rates(rates: Rates, text: str) -> Rates:
    """The same with rates that a person gives: `seconds_per_token=0.02,tool.search=0.8,tokens.beam=900,threads.beam=4`.

    Raises:
        UsageError: It is written otherwise.

    >>> with_given_rates(Rates(), "seconds_per_token=0.5,tool.search=2").tools
    {'search': 2.0}
    """
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        kind, _, what = name.partition(".")
        try:
            rates = _with(rates, kind, what, float(value))
        except (KeyError, ValueError, UsageError):
            raise UsageError(
                f"--rates {text}: {item!r} does not fit: write seconds_per_token=S, tool=S, tool.NAME=S, "
                f"tokens.METHOD=N or threads.METHOD=N, or some of them with commas between"
            ) from None
    return replace(rates, source=f"given, else {rates.source}")


def _with(rates: Rates, kind: str, what: str, number: float) -> Rates:
    match kind, bool(what):
        case "seconds_per_token", False:
            return replace(rates, pace={1: number})
        case "tool", False:
            return replace(rates, tool=number)
        case "tool", True:
            return replace(rates, tools={**rates.tools, what: number})
        case "tokens", True:
            return replace(rates, tokens={**rates.tokens, what: number})
        case "threads", True if number >= 1 and number == int(number):
            return replace(rates, threads={**rates.threads, what: int(number)})
    raise KeyError(kind)
