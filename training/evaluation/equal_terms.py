"""Systems on equal terms: what each gets right on a path of so many tokens, and with so many tokens in all. Pure.

    samples, made once ─┬─> those with a longer path than T are wrong, and vote for nothing    equal critical path
                        └─> a vote among as many samples as B tokens pay for                   equal total

Votes are expectations over all choices of k of the samples at hand, so that every width is read off the same samples.
It does not know what is asked, nor who answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals import Estimate, Trials
from evals.estimates.estimating import estimate, mean_of
from evals.estimates.measures import largest_at, majority_at

# Two totals are equal where they differ by no more.
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """A vote among samples of a system.

    Attributes:
        right: How often it is right.
        samples: How many vote; 1 is the sample itself.
        tokens: What all of them take.
        path: What the longest of them takes.
    """

    right: Estimate
    samples: int
    tokens: float
    path: float


def voted(trials: Sequence[Trials], samples: int, longest: float | None = None) -> Voted:
    """A vote among so many samples.

    Args:
        trials: Of each problem, at least as many.
        samples: How many vote.
        longest: A sample with a longer path is cut there: it is wrong, and votes for nothing; None cuts none.
    """
    problems = trials if longest is None else [_cut(problem, longest) for problem in trials]
    paths = [largest_at([t.critical_path for t in p.trials], samples) for p in problems]
    return Voted(
        right=estimate(majority_at, problems, samples),
        samples=samples,
        tokens=samples * mean_of(lambda trial: trial.tokens, problems).value,
        path=sum(paths) / len(paths),
    )


def affordable(trials: Sequence[Trials], tokens: float) -> Voted | None:
    """A vote among as many samples as there are for so many tokens, or a tenth more; None where not one is.

    Args:
        trials: Of each problem.
        tokens: The budget of a problem, on the average.
    """
    # Nothing where every sample failed at once.
    one = mean_of(lambda trial: trial.tokens, trials).value
    samples = int(tokens * (1 + _TOLERANCE) // one) if one else 0
    return voted(trials, min(samples, fewest(trials))) if samples else None


def fewest(trials: Sequence[Trials]) -> int:
    """How many samples every problem has."""
    return min(len(problem.trials) for problem in trials)


def by_level(trials: Sequence[Trials], levels: Mapping[str, str]) -> dict[str, list[Trials]]:
    """The problems of each level; those without a sample are left out.

    Args:
        trials: Of all problems.
        levels: Of each problem, by its name.
    """
    found: dict[str, list[Trials]] = {level: [] for level in levels.values()}
    for problem in trials:
        if problem.trials:
            found[levels[problem.problem]].append(problem)
    return {level: several for level, several in found.items() if several}


def _cut(problem: Trials, longest: float) -> Trials:
    trials = (
        trial
        if trial.critical_path <= longest
        else replace(
            trial,
            correct=False,
            vote=None,
            critical_path=int(longest),
            tokens=min(trial.tokens, _tokens_until(trial.tokens, trial.critical_path, longest)),
        )
        for trial in problem.trials
    )
    return replace(problem, trials=tuple(trials))


def _tokens_until(tokens: int, path: int, longest: float) -> int:
    """What a sample had taken about when it was cut, if its threads grew evenly."""
    return round(tokens * longest / path)
