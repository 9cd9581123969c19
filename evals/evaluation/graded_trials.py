"""The samples of an evaluation as numbers, for statistics. It does not know these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.reducing.weighted import vote_weights

from ..estimates.trials import Trial, Trials
from .evaluation import Evaluation
from .rows import Grade, Key, Sample


def trials_of(evaluation: Evaluation, task: str) -> list[Trials]:
    """The trials of a task's problems, in their order.

    A sample that failed around the system, or that nobody has graded, is no trial; so a problem may have none.
    """
    graded: dict[str, list[tuple[Sample, Grade]]] = {}
    for key, sample in sorted(evaluation.samples.items()):
        grade = evaluation.grades.get(key)
        if key.task == task and sample.counts and grade is not None:
            graded.setdefault(key.problem, []).append((sample, grade))
    return [
        Trials(problem=problem.id, trials=_trials(graded.get(problem.id, [])))
        for problem in evaluation.problems[task]
    ]


def pooled_trials(evaluation: Evaluation, tasks: Sequence[str] | None = None) -> list[Trials]:
    """The trials of several tasks' problems, named TASK/PROBLEM; of all tasks where none are given."""
    return [
        replace(trials, problem=f"{task}/{trials.problem}")
        for task in (evaluation.problems if tasks is None else tasks)
        for trials in trials_of(evaluation, task)
    ]


def _trials(graded: Sequence[tuple[Sample, Grade]]) -> tuple[Trial, ...]:
    weights = _weights(graded)
    return tuple(
        Trial(
            correct=grade.correct,
            vote=grade.vote,
            weight=weights.get(sample.key),
            tokens=sample.usage.generated_tokens,
            critical_path=sample.critical_path,
            seconds=sample.seconds,
        )
        for sample, grade in graded
    )


def _weights(graded: Sequence[tuple[Sample, Grade]]) -> dict[Key, float]:
    """What each vote weighs, as a weighted majority has it; nothing where a voter has no score."""
    scores = {sample.key: sample.score for sample, grade in graded if grade.vote is not None}
    known = [score for score in scores.values() if score is not None]
    if len(known) < len(scores):
        return {}
    return dict(zip(scores, map(float, vote_weights(known)), strict=True))
