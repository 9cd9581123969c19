"""Evaluations with their figures, and what sets them apart from the first: what a report is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator.runs.run_lock import Holder, lock_holder

from ..estimates.comparing import compare, pair
from ..estimates.measures import average_at
from ..evaluation.evaluation import Evaluation
from ..evaluation.figures import figures
from ..evaluation.graded_trials import pooled_trials
from .contents import Measured
from .report_file import MADE_BY
from .system_row import Difference, System

SCHEMA_VERSION = 1
"""Of a report as JSON."""


def reportable(evaluations: Sequence[Evaluation]) -> tuple[list[Evaluation], list[str]]:
    """The evaluations that have samples and grades, and what is missing in the others, in a line each.

    Raises:
        UsageError: There is nothing to report.
    """
    missing = [(evaluation, _missing(evaluation)) for evaluation in evaluations]
    told = [line for _, line in missing if line]
    if len(told) == len(evaluations):
        raise UsageError(told[0])
    return [evaluation for evaluation, line in missing if not line], told


def measure(evaluations: Sequence[Evaluation]) -> list[Measured]:
    """The evaluations, which are reportable, with their figures, each compared with the first, and with the best."""
    found = [figures(evaluation) for evaluation in evaluations]
    first: Mapping[str | None, int] = dict.fromkeys((*evaluations[0].problems, None), 0)
    best = _best(found)
    return [
        Measured(
            evaluation=evaluation,
            figures=found[number],
            environment=_environment(evaluation.path),
            differences=dict(_differences(evaluations, number, first)),
            to_best=dict(_differences(evaluations, number, best)),
        )
        for number, evaluation in enumerate(evaluations)
    ]


def report_data(measured: Sequence[Measured], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The figures of a report as JSON data: each system's, and its differences to the first and to the best."""
    return {
        "made_by": MADE_BY,
        "schema_version": SCHEMA_VERSION,
        "left_out": list(left_out),
        "systems": [
            {
                "run": str(one.evaluation.path),
                "model": one.evaluation.configuration.get("model"),
                "figures": dict(one.figures),
                "differences": _data(one.differences),
                "to_best": _data(one.to_best),
            }
            for one in measured
        ],
    }


def _data(differences: Mapping[str | None, Difference]) -> dict[str, Any]:
    return {task or "": asdict(difference) for task, difference in differences.items()}


def _missing(evaluation: Evaluation) -> str:
    """What an evaluation has not yet, and what to do; nothing if it can be reported."""
    path = evaluation.path
    counting = any(sample.counts for sample in evaluation.samples.values())
    if evaluation.samples and (evaluation.grades or not counting):
        return ""
    holder = _holder(path)
    what = "is not graded" if evaluation.samples else "has no samples yet"
    if holder is not None:
        return f"{path} {what}, and process {holder.pid} works on it: wait for it"
    if evaluation.samples:
        return (
            f"{path} is not graded: run forkjoin grade {path}, or forkjoin eval --resume {path}, which makes "
            "missing samples too"
        )
    return f"{path} has no samples yet: go on with it by forkjoin eval --resume {path}"


def _holder(path: Path) -> Holder | None:
    with suppress(OSError):
        return lock_holder(path)
    return None


def _best(found: Sequence[Mapping[str, Any]]) -> Mapping[str | None, int]:
    """Which evaluation has the highest average of each task, and under None of all pooled; of several the first."""
    averages: dict[str | None, dict[int, float]] = {}
    for number, one in enumerate(found):
        for task, part in [*one["tasks"].items(), (None, one["pooled"])]:
            if part["average"] is not None:
                averages.setdefault(task, {})[number] = part["average"]["value"]
    return {task: max(known, key=lambda one: known[one]) for task, known in averages.items()}


def _differences(
    evaluations: Sequence[Evaluation], number: int, to: Mapping[str | None, int]
) -> Iterator[tuple[str | None, Difference]]:
    """The differences of an evaluation to others, one for each task; none to itself, nor where they share nothing."""
    for task, other in to.items():
        if other != number:
            difference = _difference(evaluations[other], evaluations[number], task, other)
            if difference is not None:
                yield task, difference


def _comparable(first: Evaluation, other: Evaluation, task: str) -> bool:
    """Whether both have the task, and mean the same by an id."""
    ours = {problem.id: problem for problem in first.problems[task]}
    theirs = other.problems.get(task, ())
    return bool(theirs) and all(ours.get(problem.id, problem) == problem for problem in theirs)


def _difference(
    first: Evaluation, other: Evaluation, task: str | None, number: int
) -> Difference | None:
    """The difference to the evaluation of this number, on a task or on all that both have."""
    tasks = [
        name for name in first.problems if task in (None, name) and _comparable(first, other, name)
    ]
    try:
        # An average is the same at every k, and at 1 no problem is left out.
        pairing = pair(pooled_trials(first, tasks), pooled_trials(other, tasks), k=1)
    except UsageError:
        return None
    comparison = compare(pairing, average_at)
    return Difference(
        to=System(number=number, name="").letter,
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
