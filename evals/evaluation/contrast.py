"""Two evaluations side by side: the tasks and problems that both have, and what can be said of them. It prints nothing.

Problems are the same where their ids are; if they then ask different things, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines import UsageError

from ..estimates.comparing import Comparison, Pairing, compare, pair
from ..estimates.estimate import Estimate
from ..estimates.estimating import mean_of
from ..estimates.measures import average_at, majority_at
from ..estimates.trials import Trials
from .evaluation import Evaluation
from .graded_trials import pooled_trials, trials_of

POOLED = "pooled"
"""What all tasks together are called."""

# Of tasks, problems and samples the comparison itself tells; how fast calls are is no matter of answers.
_OPTIONS = ("method", "planner", "tools", "set", "max_tokens", "seed", "budget", "judge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a sample takes in two evaluations, as the mean over the problems that are compared.

    Attributes:
        first: In the first one.
        second: In the second.
    """

    first: Estimate
    second: Estimate

    @property
    def ratio(self) -> float | None:
        """How many times the first's the second's is; None if the first's is nothing."""
        return self.second.value / self.first.value if self.first.value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two evaluations on a task, or on all that they share.

    Attributes:
        part: The task, or `pooled`.
        pairing: The problems that are compared, and those that are not.
        average: By avg@k.
        majority: By maj@k.
        tokens: Tokens generated, in all calls.
        critical_path: Of these, those one after another.
        seconds: How long it took.
    """

    part: str
    pairing: Pairing
    average: Comparison
    majority: Comparison
    tokens: Cost
    critical_path: Cost
    seconds: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """The model or an option, where two evaluations have others.

    Attributes:
        name: `model`, or an option of `forkjoin eval`.
        first: What it is in the first; None where that has none.
        second: In the second.
    """

    name: str
    first: Any
    second: Any


def differing(first: Evaluation, second: Evaluation) -> list[Differing]:
    """What differs of the model and of the options that decide about answers; of these only where both have some."""
    asked = [_asked(one) for one in (first, second)]
    names = ("model", *_OPTIONS) if all(map(_options, (first, second))) else ("model",)
    return [
        Differing(name=name, first=ours, second=theirs)
        for name in names
        if (ours := asked[0].get(name)) != (theirs := asked[1].get(name))
    ]


def _asked(evaluation: Evaluation) -> Mapping[str, Any]:
    return {**_options(evaluation), "model": evaluation.configuration.get("model")}


def _options(evaluation: Evaluation) -> Mapping[str, Any]:
    # One that was made in Python has none.
    return evaluation.configuration.get("options") or {}


def contrasts(first: Evaluation, second: Evaluation, k: int | None = None) -> list[Contrast]:
    """Compares two evaluations on each task that both have, and on all of these pooled where there are several.

    Args:
        first: What is compared with.
        second: What is compared.
        k: At how many samples; None takes as many as both have.

    Raises:
        UsageError: They share no task or problem, a problem is not the same in both, or there are not k samples.
    """
    shared = [task for task in first.problems if task in second.problems]
    if not shared:
        ours, theirs = ", ".join(first.problems), ", ".join(second.problems)
        raise UsageError(
            f"{first.path} and {second.path} share no task: one has {ours or 'none'}, the other {theirs or 'none'}"
        )
    for task in shared:
        _require_same(first, second, task)
    found = [_contrast(task, trials_of(first, task), trials_of(second, task), k) for task in shared]
    if len(shared) > 1:
        pooled = (pooled_trials(first, shared), pooled_trials(second, shared))
        found.append(_contrast(POOLED, *pooled, k))
    return found


def _require_same(first: Evaluation, second: Evaluation, task: str) -> None:
    others = {problem.id: problem for problem in second.problems[task]}
    for problem in first.problems[task]:
        other = others.get(problem.id, problem)
        for what, ours, theirs in (
            ("question", problem.problem, other.problem),
            ("known answer", problem.answer, other.answer),
        ):
            if ours != theirs:
                raise UsageError(
                    f"problem {problem.id!r} of {task} has another {what} in {second.path} than in {first.path}: "
                    "compare evaluations of the same data"
                )


def _contrast(
    part: str, first: Sequence[Trials], second: Sequence[Trials], k: int | None
) -> Contrast:
    try:
        pairing = pair(first, second, k)
    except UsageError as error:
        raise UsageError(f"{part}: {error}") from error
    return Contrast(
        part=part,
        pairing=pairing,
        average=compare(pairing, average_at),
        majority=compare(pairing, majority_at),
        tokens=Cost(
            first=mean_of(lambda trial: trial.tokens, pairing.first),
            second=mean_of(lambda trial: trial.tokens, pairing.second),
        ),
        critical_path=Cost(
            first=mean_of(lambda trial: trial.critical_path, pairing.first),
            second=mean_of(lambda trial: trial.critical_path, pairing.second),
        ),
        seconds=Cost(
            first=mean_of(lambda trial: trial.seconds, pairing.first),
            second=mean_of(lambda trial: trial.seconds, pairing.second),
        ),
    )
