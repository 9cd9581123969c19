"""What is measured of a problem at k samples: always the expectation over all choices of k of the samples at hand.

So more samples than k make a figure surer and change nothing of what it says, and two systems can be compared at an
equal k whatever they have. All are numbers from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .majority import majority_at
from .trials import Trial
from .weighted import weighted_at

__all__ = ["Measure", "average_at", "largest_at", "majority_at", "pass_at", "weighted_at"]

Measure = Callable[[Sequence[Trial], int], float]
"""A number for a problem, of its samples and k."""


def average_at(trials: Sequence[Trial], k: int) -> float:
    """avg@k, also called pass@1[avg-of-k]: the share of samples that are right."""
    return sum(trial.correct for trial in trials) / len(trials)


def pass_at(trials: Sequence[Trial], k: int) -> float:
    """pass@k: how likely one of k samples is right, without bias (Chen et al. 2021, section 2.1).

    That is 1 - C(n - c, k) / C(n, k) where c of n samples are right, as a product that cannot overflow.
    """
    wrong = sum(not trial.correct for trial in trials)
    # Each sample that is right misses being taken, with those before it out of the way.
    missed = (1 - k / count for count in range(wrong + 1, len(trials) + 1))
    return 1.0 - math.prod(max(0.0, chance) for chance in missed)


def largest_at(values: Sequence[float], k: int) -> float:
    """The expected largest of k of the values, such as the time that k samples side by side take.

    >>> largest_at([1, 2, 3], 2)
    2.666...
    """
    ordered = sorted(values, reverse=True)
    # How likely each is the largest.
    likely, total = k / len(ordered), 0.0
    for larger, value in enumerate(ordered[: len(ordered) - k + 1]):
        total += likely * value
        left = len(ordered) - larger - 1
        likely *= (left + 1 - k) / left if left else 0.0
    return total
