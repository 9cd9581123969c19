"""What a majority vote among k of n samples is expected to get right, over all choices of the k, without trying them.

    n = 5: a a b b -     k = 3
    a a b  a wins        a b -  they tie: half a win each        - votes for nothing

Which samples are taken is counted a group of equal answers at a time. For every size that the largest group among the
k may have: groups too small for it are one pool; of every other group either fewer are taken, or just as many, and then
it shares the win. Ways to take them are counted as probabilities: each sample is taken with the probability k / n, on
its own, and then only choices of k samples are looked at, which are all as likely. So nothing overflows, nothing
cancels, and it is exact but for rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .trials import Trial

if TYPE_CHECKING:
    import numpy as np

# Rounding errors of the counting are smaller, and a certain win is 1.
_DIGITS = 12


class _Group(NamedTuple):
    """Samples with equal answers: how many, and how many of them are right."""

    size: int
    right: int


def majority_at(trials: Sequence[Trial], k: int) -> float:
    """The expected share of right answers that a vote among k of the samples gives.

    Tied answers are drawn from. Where equal answers are not equally right, as graders that compare texts may have it,
    the winner is right as often as its samples are. Where no sample has an answer, the vote is wrong.

    Args:
        trials: All samples at hand.
        k: How many vote, at most all.
    """
    sizes = Counter(trial.vote for trial in trials if trial.vote is not None)
    right = Counter(trial.vote for trial in trials if trial.correct)
    groups = sorted(_Group(size, right[vote]) for vote, size in sizes.items())
    return _expected(tuple(groups), len(trials), k)


@lru_cache(maxsize=4096)
def _expected(groups: tuple[_Group, ...], count: int, k: int) -> float:
    # Few problems are answered in many ways, and many in the same ones.
    if not any(group.right for group in groups):
        return 0.0
    largest = min(k, max(group.size for group in groups))
    if k == count:
        won = [group.right / group.size for group in groups if group.size == largest]
        return sum(won) / len(won)
    taken = _taken(count, k)
    won_with = (_won_with(most, groups, taken, k) for most in range(1, largest + 1))
    return min(1.0, round(float(sum(won_with) / taken[count][k]), _DIGITS))


def _won_with(most: int, groups: Sequence[_Group], taken: Sequence[np.ndarray], k: int) -> float:
    """The part of the expectation where the winners have so many votes."""
    import numpy as np

    contenders = [group for group in groups if group.size >= most]
    if not any(group.right for group in contenders):
        return 0.0
    pool = len(taken) - 1 - sum(group.size for group in contenders)
    # By how many groups share the win and how many samples are taken: how likely that is, and the same times the sum
    # of how right the winners are.
    likely = np.zeros((min(k // most, len(contenders)) + 1, k + 1))
    likely[0, : pool + 1] = taken[pool][: k + 1]
    rightness = np.zeros_like(likely)
    for group in contenders:
        fewer = taken[group.size][:most]
        joined = taken[group.size][most] * likely[:-1, :-most]
        as_right = taken[group.size][most] * rightness[:-1, :-most]
        as_right += joined * (group.right / group.size)
        likely, rightness = _after(likely, fewer), _after(rightness, fewer)
        likely[1:, most:] += joined
        rightness[1:, most:] += as_right
    shared = np.arange(1, len(likely))
    return float((rightness[1:, k] / shared).sum())


def _after(likely: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The table after so many more samples are taken, with these probabilities of 0, 1, 2 ..."""
    after: np.ndarray = likely * taken[0]
    for more in range(1, len(taken)):
        after[:, more:] += likely[:, :-more] * taken[more]
    return after


@lru_cache(maxsize=64)
def _taken(count: int, k: int) -> tuple[np.ndarray, ...]:
    """Of each number of samples up to `count`: how likely it is that 0, 1, 2 ... of them are taken."""
    import numpy as np

    share = k / count
    rows: list[np.ndarray] = [np.ones(1)]
    for _ in range(count):
        rows.append(np.convolve(rows[-1], [1 - share, share]))
    return tuple(rows)
