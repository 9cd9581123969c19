"""Evaluations with their figures, and what sets them apart from the first: what a report is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import UsageError

from ..estimates.comparing import compare, pair
from ..estimates.measures import average_at
from ..estimates.trials import Trials
from ..evaluation.evaluation import Evaluation
from ..evaluation.figures import figures
from ..evaluation.graded_trials import pooled_trials, trials_of
from .contents import Measured
from .report_file import MADE_BY
from .system_row import Difference, System

SCHEMA_VERSION = 1
"""Of a report as JSON."""


def measure(evaluations: Sequence[Evaluation]) -> list[Measured]:
    """The evaluations with their figures, each compared with the first.

    Raises:
        UsageError: There is nothing to report: no samples, or no grades.
    """
    for evaluation in evaluations:
        _check_graded(evaluation)
    return [
        Measured(
            evaluation=evaluation,
            figures=figures(evaluation),
            environment=_environment(evaluation.path),
            differences=dict(_differences(evaluations[0], evaluation)),
        )
        for evaluation in evaluations
    ]


def report_data(measured: Sequence[Measured]) -> dict[str, Any]:
    """The figures of a report as JSON data: each system's, and its differences to the first."""
    return {
        "made_by": MADE_BY,
        "schema_version": SCHEMA_VERSION,
        "systems": [
            {
                "run": str(one.evaluation.path),
                "figures": dict(one.figures),
                "differences": {
                    task or "": asdict(difference) for task, difference in one.differences.items()
                },
            }
            for one in measured
        ],
    }


def _check_graded(evaluation: Evaluation) -> None:
    if not evaluation.samples:
        raise UsageError(
            f"{evaluation.path} has no samples yet: go on with it by forkjoin eval --resume {evaluation.path}"
        )
    if not evaluation.grades and any(sample.counts for sample in evaluation.samples.values()):
        raise UsageError(f"{evaluation.path} is not graded: run forkjoin grade {evaluation.path}")


def _differences(first: Evaluation, other: Evaluation) -> Iterator[tuple[str | None, Difference]]:
    """For each task that both have, and under None for all of these; none of an evaluation to itself."""
    if other is first:
        return
    tasks = [task for task in first.problems if _comparable(first, other, task)]
    for task in tasks:
        if difference := _difference(trials_of(first, task), trials_of(other, task)):
            yield task, difference
    if difference := _difference(pooled_trials(first, tasks), pooled_trials(other, tasks)):
        yield None, difference


def _comparable(first: Evaluation, other: Evaluation, task: str) -> bool:
    """Whether both have the task, and mean the same by an id."""
    ours = {problem.id: problem for problem in first.problems[task]}
    theirs = other.problems.get(task, ())
    return bool(theirs) and all(ours.get(problem.id, problem) == problem for problem in theirs)


def _difference(first: Sequence[Trials], other: Sequence[Trials]) -> Difference | None:
    try:
        # An average is the same at every k, and at 1 no problem is left out.
        pairing = pair(first, other, k=1)
    except UsageError:
        return None
    comparison = compare(pairing, average_at)
    return Difference(
        to=System(number=0, name="").letter,
        share=comparison.difference,
        p=comparison.p,
        problems=len(pairing.first),
        apart=comparison.told_apart,
    )


def _environment(path: Path) -> Mapping[str, Any]:
    """What a run folder says of what it ran on; empty where it does not."""
    try:
        data = json.loads((path / "env.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
