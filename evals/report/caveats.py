"""What figures do not say, or say with a doubt, in sentences. Pure: it reads figures and computes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..evaluation.evaluation import Evaluation
from ..evaluation.figures import skipped_rows
from .system_row import SystemRow
from .words import counted, joined


def of_resolution(tasks: Mapping[str, Sequence[SystemRow]]) -> Iterator[str]:
    """How small a difference can be seen on each task, by its widest interval."""
    reaches = [
        f"{reach * 100:.0f} points on {task} ({counted(problems, 'problem')})"
        for task, rows in tasks.items()
        for reach, problems in _reaches(rows)
    ]
    if not reaches:
        return
    if any(len(rows) > 1 for rows in tasks.values()):
        yield (
            f"The intervals cannot tell apart what differs by less than about {joined(reaches)}; the comparison "
            "problem by problem, in the table, sees somewhat smaller differences."
        )
    else:
        yield f"On other problems of the same kind, figures could differ by about {joined(reaches)}."


def of_comparisons(rows: Sequence[SystemRow]) -> Iterator[str]:
    """What many comparisons at once make of each."""
    compared = sum(row.difference is not None for row in rows)
    if compared > 1:
        yield (
            "Each p value is of its comparison alone: one in twenty falls below 0.05 where systems are equal, and the "
            f"table has {compared:,}."
        )


def of_samples(rows: Sequence[SystemRow]) -> Iterator[str]:
    """What became of samples that does not show in shares, over all tasks."""
    for of, told in _LOST:
        lost = [_lost(row, of(row), len(rows) > 1) for row in rows if of(row)]
        if lost:
            yield f"{told}: {joined(lost)}."
    for row in rows:
        if row.reasons:
            whose = f" of {row.system.letter}" * (len(rows) > 1)
            yield f"Why samples{whose} failed: {'; '.join(row.reasons)}."


def of_problems(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    """What one should know of where problems are from, and of whether all systems were put and graded the same."""
    tasks = list(dict.fromkeys(task for one in evaluations for task in one.problems))
    sources = {task: [source_of(one, task) for one in evaluations] for task in tasks}
    generated = [task for task in tasks if any(s.get("kind") == "generated" for s in sources[task])]
    if generated:
        yield (
            f"The problems of {joined(generated)} were generated: no published figure can be set beside these."
        )
    doubtful = {
        f"{source.get('id')} at {str(source.get('revision'))[:7]}": None
        for task in tasks
        for source in sources[task]
        if source.get("verified") is False
    }
    if doubtful:
        yield f"Not verified to be the revision that others measure on: {joined(list(doubtful))}."
    for told in dict.fromkeys(told for one in evaluations for told in skipped_rows(one)):
        yield f"{told}."
    for task in tasks:
        yield from _differing(task, evaluations)


def source_of(evaluation: Evaluation, task: str) -> Mapping[str, Any]:
    """Where a task's problems are from; empty where nothing says so."""
    sources = evaluation.configuration.get("sources")
    source = sources.get(task) if isinstance(sources, Mapping) else None
    return source if isinstance(source, Mapping) else {}


_LOST: Sequence[tuple[Callable[[SystemRow], int], str]] = (
    (lambda row: row.failed, "Failed around the system, so not counted"),
    (lambda row: row.ungraded, "Not graded, so not counted (forkjoin grade)"),
    (lambda row: row.truncated, "Cut by a limit, and counted as they are"),
    (
        lambda row: sum(row.warnings.values()),
        "Verdicts that deserve a look (the filters below find them)",
    ),
)


def _lost(row: SystemRow, count: int, several: bool) -> str:
    total = row.samples + row.failed + row.ungraded
    return f"{count:,} of {total:,}" + f" ({row.system.letter})" * several


def _reaches(rows: Sequence[SystemRow]) -> Iterator[tuple[float, int]]:
    """How far the widest interval of a task reaches, and over how many problems it is."""
    found = [
        (max(average.high - average.value, average.value - average.low), row.problems)
        for row in rows
        if (average := row.average) and average.low is not None and average.high is not None
    ]
    if found:
        yield max(found)


def _differing(task: str, evaluations: Sequence[Evaluation]) -> Iterator[str]:
    asked = [{p.id: p for p in one.problems[task]} for one in evaluations if task in one.problems]
    common = set.intersection(*map(set, asked))
    if any(len(problems) > len(common) for problems in asked):
        yield (
            f"Not all systems were put the same problems of {task}: they have {len(common):,} in common, and each "
            "figure is of its own."
        )
    differ = sum(any(problems[name] != asked[0][name] for problems in asked) for name in common)
    if differ:
        yield (
            f"{counted(differ, 'problem')} of {task} with the same id differ between the runs, so that these are not "
            "compared."
        )
    graders = {
        frozenset((g.grader, g.version) for key, g in one.grades.items() if key.task == task)
        for one in evaluations
    }
    if len(graders - {frozenset()}) > 1:
        yield f"{task} was graded by different graders or versions of them: run forkjoin grade on all."
