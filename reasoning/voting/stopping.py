"""When enough samples have voted. Pure: the votes so far in, a decision out.

    Never            all samples vote
    Certain          the rest cannot change the winner any more
    UnanimousWindow  a window of samples agrees
    BetaPosterior    the first answer most likely keeps its lead over the second

Samples without an answer decide nothing. A rule knows neither the answers nor what a sample costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Protocol

from engines import UsageError


class StoppingRule(Protocol):
    """Says whether the vote is decided. Its `str` says why, for a remark."""

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether no more samples are needed.

        Args:
            votes: For each sample so far, in their order, the number of the answer that it voted for: equal answers
                have equal numbers, from 0 in the order in which they came; -1 for a sample without an answer.
            samples: How many samples there are at most.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Never:
    """All samples vote."""

    def __str__(self) -> str:
        return "all were asked for"

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether all have."""
        return len(votes) >= samples


@dataclass(frozen=True, kw_only=True)
class Certain:
    """The samples that are left cannot change the winner, whatever they say. Costs no accuracy at all.

    The winner is that of `Majority`: of equally many votes, the answer that was given first.
    """

    def __str__(self) -> str:
        return "the rest could not change the winner"

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether no other answer, known or still to come, can overtake the winner.

        >>> Certain().decided([0, 0, 1, 0], 6), Certain().decided([0, 1, 1, 1], 6)
        (True, False)
        """
        left = samples - len(votes)
        # In the order in which the answers were first given; the last one stands for those still to come.
        counts = [*_counts(votes).values(), 0]
        most = max(counts)
        winner = counts.index(most)
        return most > 0 and all(
            # An equal number of votes is enough for an answer that was given before the winner.
            count + left < most + (other > winner)
            for other, count in enumerate(counts)
            if other != winner
        )


@dataclass(frozen=True, kw_only=True)
class UnanimousWindow:
    """Early-stopping self-consistency: samples come in windows, and one whose answers all agree decides.

    Li et al. 2024, "Escape Sky-high Cost" (ESC), with windows of 5 in up to 64 samples.

    Attributes:
        size: Samples in a window, at least 1. A window of half of all samples or more costs no accuracy at all, one of
            all of them saves nothing.
    """

    size: int = 4

    def __post_init__(self) -> None:
        """Refuses a window of nothing."""
        if self.size < 1:
            raise UsageError(
                f"a window of {self.size} samples decides nothing: at least 1 is needed"
            )

    def __str__(self) -> str:
        return f"a window of {self.size} agreed"

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether a window has just ended, and its answers agree.

        >>> UnanimousWindow(size=2).decided([0, 1, 1, 1], 8), UnanimousWindow(size=2).decided([0, 1, 1], 8)
        (True, False)
        """
        if not votes or len(votes) % self.size:
            return False
        window = set(votes[-self.size :])
        return len(window) == 1 and -1 not in window


@dataclass(frozen=True, kw_only=True)
class BetaPosterior:
    """Adaptive-Consistency: the first answer keeps its lead over the second with some probability.

    The share of the first among the votes for these two has the posterior Beta(first + 1, second + 1), from an even
    prior; it leads where that share is above one half (Aggarwal et al. 2023, section 3, the Beta criterion).

    Attributes:
        confidence: The probability to exceed, from 0.5 up to below 1; at 0.95, four samples that agree are enough.
    """

    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuses what any vote, or none, would reach."""
        if not 0.5 <= self.confidence < 1:
            raise UsageError(f"a confidence of {self.confidence:g}: choose from 0.5 up to below 1")

    def __str__(self) -> str:
        return f"the lead holds with a probability above {self.confidence:g}"

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether the probability exceeds the confidence.

        >>> BetaPosterior().decided([0, 0, 0], 8), BetaPosterior().decided([0, 0, 0, 0], 8)
        (False, True)
        """
        first, second, *_ = *sorted(_counts(votes).values(), reverse=True), 0, 0
        return first > 0 and lead_probability(first, second) > self.confidence


def reason_of(rule: StoppingRule) -> str:
    """Why a rule calls a vote decided: what its `str` says, or its name if it has none.

    >>> reason_of(Certain())
    'the rest could not change the winner'
    """
    kind = type(rule)
    return kind.__name__ if kind.__str__ is object.__str__ else str(rule)


def leader(votes: Sequence[int]) -> int:
    """The number of the answer with the most votes; of equally many, the one given first; -1 without any.

    >>> leader([-1, 1, 0, 0, 1])
    1
    """
    # Numbers with equal counts come in the order in which they were first met.
    return next((number for number, _ in _counts(votes).most_common(1)), -1)


def lead_probability(first: int, second: int) -> Fraction:
    """The probability that an answer with `first` votes is more likely than one with `second`, exactly.

    For whole numbers the incomplete beta function at one half is a sum of binomials: Beta(a + 1, b + 1) is above one
    half as often as at most a of a + b + 1 fair coins show heads.

    >>> lead_probability(0, 0), lead_probability(3, 0), lead_probability(4, 0)
    (Fraction(1, 2), Fraction(15, 16), Fraction(31, 32))
    """
    coins = first + second + 1
    return Fraction(sum(comb(coins, heads) for heads in range(first + 1)), 2**coins)


def _counts(votes: Sequence[int]) -> Counter[int]:
    return Counter(vote for vote in votes if vote >= 0)
