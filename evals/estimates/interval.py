"""Intervals of 95 % for means over problems. They know a number for each problem, and not what it measures.

A benchmark's problems stand for more of their kind, so problems are drawn again, and the samples of a problem come
with it. To draw these again too would count their noise twice, as it is in the problem's number already (Davison and
Hinkley 1997, section 3.8): of 30 problems of middling difficulty with 4 samples each, such intervals cover 97 to 98
times in 100 where 95 is said. And it would shift pass@k and maj@k: with one of four samples right, pass@4 is 1, and
with the four drawn again 0.68.

    0 or 1 of each problem   Wilson (1927): k = 1, oracle, all right, all wrong
    rates                    Bayesian bootstrap (Rubin 1981), with half a problem right and half a problem wrong added
    differences of rates     bootstrap (Efron 1979), as wide as Student's interval (Hesterberg 2015)
    tokens, seconds          Student's

The halves, Jeffreys' prior, keep rates near 0 and 1 honest: there the few problems that are not like the rest tell
most, and a sample may have none of them. A Bayesian draw weighs each problem by a random share of 1.

Draws are seeded, so that the same numbers have the same interval, in whatever order they come.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .estimate import Estimate

if TYPE_CHECKING:
    import numpy as np

_DRAWS = 10_000
# Numbers in memory at once: 16 MB.
_AT_ONCE = 2**21
_SEED = 20_210_707
_TAIL = 0.025
_NORMAL = 1.959964


class Interval(NamedTuple):
    """From where to where."""

    low: float
    high: float


def rate(values: Sequence[float]) -> Estimate:
    """The mean of numbers from 0 to 1, one for each problem."""
    mean = math.fsum(values) / len(values)
    if all(value in (0.0, 1.0) for value in values):
        return _estimate(mean, wilson(sum(values), len(values)), f"Wilson, {_problems(values)}")
    interval = _with_halves(values, (0.0, 1.0))
    return _estimate(mean, interval, f"bootstrap over {_problems(values)}")


def difference(values: Sequence[float]) -> Estimate:
    """The mean of differences of two rates, from -1 to 1, one for each problem.

    Where all are the same, as of two systems that get everything right, draws would be too, and halves are added.
    """
    mean = math.fsum(values) / len(values)
    how = f"paired bootstrap over {_problems(values)}"
    if max(values) > min(values):
        return _estimate(mean, _bootstrap(values), how)
    return _estimate(mean, _with_halves(values, (-1.0, 1.0)), how)


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of numbers from 0 on, one for each problem."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Estimate(value=mean, low=None, high=None, how="one problem: no interval")
    half = _student(len(values)) * statistics.stdev(values, mean) / math.sqrt(len(values))
    interval = Interval(max(0.0, mean - half), mean + half)
    return _estimate(mean, interval, f"Student, {_problems(values)}")


def wilson(successes: float, trials: int) -> Interval:
    """The interval of a share of independent trials (Wilson 1927).

    >>> wilson(0, 10)
    Interval(low=0.0, high=0.2775...)
    """
    share, square = successes / trials, _NORMAL**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    spread = math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    half = _NORMAL * spread / (1 + square / trials)
    # At the ends it is exact, where rounding is not.
    return Interval(
        0.0 if successes == 0 else middle - half, 1.0 if successes == trials else middle + half
    )


def _estimate(mean: float, interval: Interval, how: str) -> Estimate:
    low, high = interval
    return Estimate(value=mean, low=min(low, mean), high=max(high, mean), how=how)


def _problems(values: Sequence[float]) -> str:
    return f"{len(values):,} problem" + "s" * (len(values) != 1)


def _student(count: int) -> float:
    """How many standard errors of a mean over so many problems the interval reaches to either side."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 1 - _TAIL))


def _bootstrap(values: Sequence[float]) -> Interval:
    """Of the mean of problems that are drawn as often as there are problems."""
    import numpy as np
    from scipy.special import ndtr

    def means(random: np.random.Generator, draws: int) -> np.ndarray:
        which = random.integers(0, len(ordered), (draws, len(ordered)))
        drawn: np.ndarray = ordered[which].mean(axis=1)
        return drawn

    ordered = np.sort(np.asarray(values, dtype=float))
    # Draws vary less than other problems would.
    reach = math.sqrt(len(values) / (len(values) - 1)) * _student(len(values))
    return _between_tails(means, len(values), float(ndtr(-reach)))


def _with_halves(values: Sequence[float], ends: tuple[float, float]) -> Interval:
    """Of the weighted mean, with half a problem at each end of what the values can be."""
    import numpy as np

    def means(random: np.random.Generator, draws: int) -> np.ndarray:
        whole = random.standard_exponential((draws, len(ordered)))
        halves = random.standard_gamma(0.5, (draws, len(ends)))
        weighed: np.ndarray = whole @ ordered + halves @ np.asarray(ends)
        weighed /= whole.sum(axis=1) + halves.sum(axis=1)
        return weighed

    ordered = np.sort(np.asarray(values, dtype=float))
    return _between_tails(means, len(values), _TAIL)


def _between_tails(
    means: Callable[[np.random.Generator, int], np.ndarray], problems: int, tail: float
) -> Interval:
    """What lies between the tails of means that are drawn so many at a time."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    rows = max(1, _AT_ONCE // problems)
    drawn = [means(random, min(rows, _DRAWS - begin)) for begin in range(0, _DRAWS, rows)]
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return Interval(float(low), float(high))
