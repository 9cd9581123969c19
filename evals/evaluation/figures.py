"""The figures of an evaluation as JSON data: what `metrics.json` holds.

    figures(evaluation)      name, system, k, skipped (rows of data that were no problems, in sentences)
      tasks.NAME, pooled     how many: problems, measured, samples, failed, truncated, ungraded, unanswered, warnings
        reasons: reason, samples          why samples failed, the most frequent first; those that differ in numbers
                                          and names only are one
        average, oracle      avg@k and pass@n, over all problems that are measured
        tokens, critical_path, seconds    of a sample, over the same
        at: k, problems      for k = 1, 2, 4, 8 ... over the problems that have k samples
          pass, majority, weighted          estimates; weighted is null without scores
          tokens, critical_path, seconds    of k samples, run side by side
        total                what all of it took, failed samples included
        notes                what a reader should know: what is left out, and why

An estimate is an object of value, low, high and how; null where nothing is measured. Tokens are generated tokens of all
calls: planner, judge, and branches that lost or were pruned.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from math import fsum
from operator import add
from typing import Any

from engines import Usage

from ..estimates.estimating import estimate, has_weights, mean_of, oracle
from ..estimates.measures import average_at, largest_at, majority_at, pass_at, weighted_at
from ..estimates.trials import Trial, Trials
from ..estimates.weighted import DRAWS, tries_all
from .evaluation import Evaluation
from .graded_trials import pooled_trials, trials_of
from .rows import Grade, Key, Sample

_COSTS: Mapping[str, Callable[[Trial], float]] = {
    "tokens": lambda trial: trial.tokens,
    "critical_path": lambda trial: trial.critical_path,
    "seconds": lambda trial: trial.seconds,
}
# So many problems are named in a note, and so many reasons.
_NAMED, _REASONS = 5, 3
# What reasons may differ in and be the same for people.
_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that is measured of an evaluation, for each task and for all tasks pooled."""
    return {
        "name": evaluation.name,
        "system": evaluation.system,
        "k": evaluation.k,
        "skipped": skipped_rows(evaluation),
        "tasks": {
            task: _part(evaluation, [task], trials_of(evaluation, task))
            for task in evaluation.problems
        },
        "pooled": _part(evaluation, list(evaluation.problems), pooled_trials(evaluation)),
    }


def skipped_rows(evaluation: Evaluation) -> list[str]:
    """Which rows of the data were no problems, in a sentence for each task that has some."""
    told = []
    for source in (evaluation.configuration.get("sources") or {}).values():
        if skipped := source.get("skipped"):
            rows = "1 row" if skipped["rows"] == 1 else f"{skipped['rows']:,} rows"
            was = "was" if skipped["rows"] == 1 else "were"
            first = "" if skipped["rows"] == 1 else "the first: "
            place = source.get("path") or source.get("id")
            told.append(f"{rows} of {place} {was} skipped ({first}{skipped['first']})")
    return told


def _part(
    evaluation: Evaluation, tasks: Sequence[str], problems: Sequence[Trials]
) -> dict[str, Any]:
    """The figures of some tasks, given their problems' trials."""
    ids = {(task, problem.id) for task in tasks for problem in evaluation.problems[task]}
    rows = {key: row for key, row in evaluation.samples.items() if key[:2] in ids}
    measured = [problem for problem in problems if problem.trials]
    counts = _counts(problems, rows, evaluation.grades)
    at = [_at(measured, k) for k in _steps(max((len(p.trials) for p in measured), default=0))]
    return {
        **counts,
        **_estimates(measured),
        "at": at,
        "total": _total(rows.values()),
        "notes": _notes(evaluation.k, problems, counts, at),
    }


def _counts(
    problems: Sequence[Trials], rows: Mapping[Key, Sample], grades: Mapping[Key, Grade]
) -> dict[str, Any]:
    counting = [row for row in rows.values() if row.counts]
    graded = [grades[row.key] for row in counting if row.key in grades]
    return {
        "problems": len(problems),
        "measured": sum(bool(problem.trials) for problem in problems),
        "samples": len(graded),
        "failed": len(rows) - len(counting),
        "ungraded": len(counting) - len(graded),
        "truncated": sum(row.status == "truncated" for row in counting),
        "unanswered": sum(grade.vote is None for grade in graded),
        "reasons": _reasons(row for row in rows.values() if not row.counts),
        "warnings": dict(sorted(Counter(g.warning for g in graded if g.warning).items())),
    }


def _reasons(failed: Iterable[Sample]) -> list[dict[str, Any]]:
    """Why samples failed, each as the first of them says it."""
    alike: dict[str, list[str]] = {}
    for row in failed:
        alike.setdefault(_OWN.sub("", row.reason), []).append(row.reason or "no reason is known")
    most = sorted(alike.values(), key=len, reverse=True)[:_REASONS]
    return [{"reason": told[0], "samples": len(told)} for told in most]


def _estimates(measured: Sequence[Trials]) -> dict[str, Any]:
    if not measured:
        return dict.fromkeys(("average", "oracle", *_COSTS))
    return {
        # The same for every k.
        "average": asdict(estimate(average_at, measured, 1)),
        "oracle": asdict(oracle(measured)),
        **{name: asdict(mean_of(cost, measured)) for name, cost in _COSTS.items()},
    }


def _at(measured: Sequence[Trials], k: int) -> dict[str, Any]:
    """What k samples of a problem reach, and what they take when run side by side."""
    problems = [problem for problem in measured if len(problem.trials) >= k]
    weighted = estimate(weighted_at, problems, k) if has_weights(problems) else None
    return {
        "k": k,
        "problems": len(problems),
        "pass": asdict(estimate(pass_at, problems, k)),
        "majority": asdict(estimate(majority_at, problems, k)),
        "weighted": weighted and asdict(weighted),
        "tokens": k * mean_of(_COSTS["tokens"], problems).value,
        **{name: _longest(_COSTS[name], problems, k) for name in ("critical_path", "seconds")},
    }


def _longest(cost: Callable[[Trial], float], problems: Sequence[Trials], k: int) -> float:
    longest = [largest_at([cost(trial) for trial in problem.trials], k) for problem in problems]
    return fsum(longest) / len(longest)


def _steps(most: int) -> list[int]:
    """1, 2, 4, 8 ... and the most."""
    return sorted({2**power for power in range(most.bit_length())} | {most}) if most else []


def _total(rows: Iterable[Sample]) -> dict[str, Any]:
    rows = list(rows)
    usage = reduce(add, (row.usage for row in rows), Usage())
    return {**usage.model_dump(), "seconds": fsum(row.seconds for row in rows)}


def _notes(
    asked: int, problems: Sequence[Trials], counts: Mapping[str, Any], at: Sequence[dict[str, Any]]
) -> list[str]:
    notes = []
    if counts["failed"]:
        notes.append(f"failed samples, left out until forkjoin eval --resume: {counts['failed']:,}")
    if counts["ungraded"]:
        notes.append(f"ungraded samples, left out until forkjoin grade: {counts['ungraded']:,}")
    if absent := [problem.problem for problem in problems if not problem.trials]:
        notes.append(f"problems without a graded sample, left out: {_named(absent)}")
    if few := [p.problem for p in problems if 0 < len(p.trials) < asked]:
        notes.append(
            f"problems with fewer than {asked} samples, left out where k is more than they have: {_named(few)}"
        )
    drawn = [
        str(row["k"])
        for row in at
        if row["weighted"] and not all(tries_all(len(p.trials), row["k"]) for p in problems)
    ]
    if drawn:
        notes.append(f"weighted votes at k = {', '.join(drawn)} are of {DRAWS:,} drawn choices")
    return notes


def _named(problems: Sequence[str]) -> str:
    more = len(problems) - _NAMED
    return ", ".join(problems[:_NAMED]) + (f" and {more} more" if more > 0 else "")
