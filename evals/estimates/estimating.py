"""Estimates over problems: a measure of each, their mean, and its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines import UsageError

from . import interval
from .estimate import Estimate
from .measures import Measure
from .trials import Trial, Trials


def estimate(measure: Measure, problems: Sequence[Trials], k: int) -> Estimate:
    """A measure at k samples, such as pass@k, as the mean over problems.

    Args:
        measure: See `measures`.
        problems: At least one. They may have more samples than k, which are all used.
        k: How many samples a problem is given.

    Raises:
        UsageError: There are no problems, or one has fewer samples than k.
    """
    require_samples(problems, k)
    return interval.rate([measure(problem.trials, k) for problem in problems])


def oracle(problems: Sequence[Trials]) -> Estimate:
    """How many problems have a sample that is right: pass@n of the n samples at hand.

    Raises:
        UsageError: There are no problems, or one has no samples.
    """
    require_samples(problems, 1)
    return interval.rate([float(any(t.correct for t in p.trials)) for p in problems])


def mean_of(quantity: Callable[[Trial], float], problems: Sequence[Trials]) -> Estimate:
    """What a sample takes, such as tokens, as the mean over problems of the mean over samples.

    Raises:
        UsageError: There are no problems, or one has no samples.
    """
    require_samples(problems, 1)
    return interval.mean_of([sum(map(quantity, p.trials)) / len(p.trials) for p in problems])


def has_weights(problems: Sequence[Trials]) -> bool:
    """Whether votes can be weighted: there are samples with an answer, and all of them have a weight."""
    voters = [trial for p in problems for trial in p.trials if trial.vote is not None]
    return bool(voters) and all(voter.weight is not None for voter in voters)


def require_samples(problems: Sequence[Trials], k: int) -> None:
    """Refuses what cannot be estimated.

    Raises:
        UsageError: There are no problems, or one has fewer samples than k, or k is less than 1.
    """
    if k < 1:
        raise UsageError(f"k is {k}: give 1 or more")
    if not problems:
        raise UsageError("there are no problems with samples: nothing can be estimated")
    fewest = min(problems, key=lambda problem: len(problem.trials))
    if len(fewest.trials) < k:
        raise UsageError(
            f"k is {k}, but problem {fewest.problem!r} has {len(fewest.trials)} samples: "
            f"give a k of at most {len(fewest.trials)}, or generate more"
        )
