"""Two systems on the same problems.

    first     p1 p2 p3        of each problem of which both have k samples or more: second minus first,
    second       p2 p3 p4     and of these numbers the mean, its interval, and a permutation test

What one system has more of than the other does not count against it: a measure at k is an expectation over all choices
of k of the samples at hand, so both are asked the same question, and more samples only make the answer surer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines import UsageError

from . import interval
from .estimate import Estimate
from .measures import Measure
from .permutation import sign_flip_p
from .trials import Trial, Trials

# Numbers that differ by less are equal: rates of samples differ by more.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The problems on which two systems can be compared.

    Attributes:
        k: At how many samples.
        first: Of the first system, the samples of the problems that both have.
        second: Of the second, in the same order.
        missing_in_first: Problems that only the second system has samples of.
        missing_in_second: Problems that only the first has samples of.
        short: Further problems of which one of the two, or both, have fewer than k samples.
    """

    k: int
    first: tuple[Trials, ...]
    second: tuple[Trials, ...]
    missing_in_first: tuple[str, ...] = ()
    missing_in_second: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one measure says of two systems.

    Attributes:
        first: Of the first system, over the problems that both have.
        second: Of the second.
        difference: Second minus first.
        p: How likely a difference as large is, if the systems are the same.
        wins: Problems on which the second is better.
        losses: Problems on which the first is better.
        ties: Problems on which they are equal.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    p: float
    wins: int
    losses: int
    ties: int

    @property
    def told_apart(self) -> bool:
        """Whether there is a difference at 95 %, by the interval and by the test."""
        low, high = self.difference.low or 0.0, self.difference.high or 0.0
        return self.p < 0.05 and (low > 0 or high < 0)


def pair(first: Sequence[Trials], second: Sequence[Trials], k: int | None = None) -> Pairing:
    """Puts the problems of two systems side by side.

    Args:
        first: The samples of one system.
        second: The samples of the other.
        k: At how many samples they are compared; None takes as many as both have of some problem.

    Raises:
        UsageError: There is no problem that both have samples of, or none with k samples of both.
    """
    ones, others = _by_name(first), _by_name(second)
    # How many samples both have, of all problems that either knows.
    counts = {
        name: (len(ones.get(name, ())), len(others.get(name, ()))) for name in {**ones, **others}
    }
    most = max(map(min, counts.values()), default=0)
    if not most:
        raise UsageError("there is no problem that both have samples of: nothing can be compared")
    k = most if k is None else k
    if not 1 <= k <= most:
        raise UsageError(
            f"k is {k}, but both have at most {most} samples of a problem: give 1 to {most}"
        )
    used = [name for name, both in counts.items() if min(both) >= k]
    return Pairing(
        k=k,
        first=tuple(Trials(problem=name, trials=ones[name]) for name in used),
        second=tuple(Trials(problem=name, trials=others[name]) for name in used),
        missing_in_first=tuple(name for name, (one, other) in counts.items() if other and not one),
        missing_in_second=tuple(name for name, (one, other) in counts.items() if one and not other),
        short=tuple(
            name
            for name, both in counts.items()
            if min(both) < k and bool(both[0]) == bool(both[1])
        ),
    )


def compare(pairing: Pairing, measure: Measure) -> Comparison:
    """Compares two systems by a measure of each problem."""
    ones = [measure(trials.trials, pairing.k) for trials in pairing.first]
    others = [measure(trials.trials, pairing.k) for trials in pairing.second]
    differences = [_difference(one, other) for one, other in zip(ones, others, strict=True)]
    return Comparison(
        first=interval.rate(ones),
        second=interval.rate(others),
        difference=interval.difference(differences),
        p=sign_flip_p(differences),
        wins=sum(difference > 0 for difference in differences),
        losses=sum(difference < 0 for difference in differences),
        ties=differences.count(0.0),
    )


def _by_name(problems: Sequence[Trials]) -> Mapping[str, tuple[Trial, ...]]:
    return {problem.problem: problem.trials for problem in problems}


def _difference(one: float, other: float) -> float:
    return 0.0 if abs(other - one) < _EQUAL else other - one
