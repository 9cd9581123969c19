"""What a report tells, before it is a page or Markdown. Pure.

Measured ── rows ── findings, caveats ──┐
   └─ problem entries, plots, methods ──┴─> Contents ─> page, markdown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..evaluation.evaluation import Evaluation
from . import caveats
from .figure_table import Column, columns, mark_best
from .findings import finding
from .methods import Told, command_of, common_and_own, method_of
from .plot import Plot
from .plots import plots_of
from .problem_entries import ProblemEntry, problem_entries
from .system_row import Difference, System, SystemRow, system_row
from .words import WARNINGS, joined

_POOLED = "all tasks pooled"
_WIDEST_BAND = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An evaluation with what is known of it.

    Attributes:
        evaluation: What was done.
        figures: Its figures, as `evaluation.figures` has them.
        environment: What it ran on; empty where nobody says.
        differences: To the first evaluation of the report, for each task, and under None for all pooled; those that are
            known.
        to_best: The same to the evaluation with the highest avg@k, which may be another one for each task.
    """

    evaluation: Evaluation
    figures: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)
    differences: Mapping[str | None, Difference] = field(default_factory=dict)
    to_best: Mapping[str | None, Difference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPart:
    """A task in a report.

    Attributes:
        name: The task's.
        rows: Its systems.
        entries: Its problems, failures first; none where tasks are pooled.
        plots: Of its figures.
    """

    name: str
    rows: Sequence[SystemRow]
    entries: Sequence[ProblemEntry] = ()
    plots: Sequence[Plot] = ()

    @property
    def widest_id(self) -> int:
        """How many characters the longest id has."""
        return max((len(entry.problem.id) for entry in self.entries), default=0)

    @property
    def bands(self) -> Sequence[Sequence[ProblemEntry]]:
        """The problems in rows of about the same length, each as wide as a screen at most."""
        rows = -(-len(self.entries) // _WIDEST_BAND)
        size = -(-len(self.entries) // max(1, rows))
        return [self.entries[at : at + size] for at in range(0, len(self.entries), max(1, size))]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPart:
    """How a system was measured.

    Attributes:
        system: Which.
        told: What is its own, and not the same in all.
        notes: What one should know of its figures, in sentences.
        command: What does it again; empty where nobody says.
    """

    system: System
    told: Sequence[Told]
    notes: Sequence[str]
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A report.

    Attributes:
        title: What was measured.
        about: On what model, and when.
        said: What the figures say of each task.
        caveats: What they do not say.
        systems: In the order in which they were named.
        tasks: In the order in which they come.
        pooled: The tasks as one; None where there is one only.
        columns: Of the table.
        warnings: What warnings mean that a verdict here has.
        common: How it was done, as far as it is the same for all.
        methods: How each system was measured.
    """

    title: str
    about: str
    said: Sequence[tuple[str, str]]
    caveats: Sequence[str]
    systems: Sequence[System]
    tasks: Sequence[TaskPart]
    pooled: TaskPart | None
    columns: Sequence[Column]
    warnings: Mapping[str, str]
    common: Sequence[Told]
    methods: Sequence[MethodPart]

    @property
    def tables(self) -> Sequence[TaskPart]:
        """What stands in the table."""
        return [*self.tasks, *([self.pooled] if self.pooled else [])]

    @property
    def notes(self) -> Sequence[str]:
        """How the table is to be read."""
        marked = any(row.best for part in self.tables for row in part.rows)
        return [
            "Beside a share stands its interval of 95 %. Tokens are those generated in all calls of a system: its "
            "planner, its judge, and branches that lost or were pruned; not those of grading. Seconds are of samples "
            "that ran beside others on the same engine.",
            *[
                "★: more right than every other system, told apart from each of them problem by problem."
            ]
            * marked,
        ]

    def index(self) -> dict[str, Any]:
        """What a page has to know of all samples at once, as JSON data."""
        return {
            "systems": [{"letter": one.letter, "name": one.name} for one in self.systems],
            "warnings": dict(self.warnings),
            "problems": [entry.index() for task in self.tasks for entry in task.entries],
        }


def contents_of(measured: Sequence[Measured], left_out: Sequence[str] = ()) -> Contents:
    """What is to be told of these evaluations, at least one; `left_out` says which others could not be reported."""
    evaluations = [one.evaluation for one in measured]
    systems = _systems(evaluations)
    entries = problem_entries(evaluations)
    names = list(dict.fromkeys(task for one in evaluations for task in one.problems))
    tasks = [_task(name, measured, systems, entries) for name in names]
    pooled = TaskPart(name=_POOLED, rows=_rows(None, measured, systems))
    common, own = common_and_own([method_of(one.evaluation, one.environment) for one in measured])
    return Contents(
        title=_title(names, systems),
        about=_about(evaluations),
        said=[(task.name, finding(task.rows)) for task in tasks],
        caveats=[
            *(f"Left out: {line}." for line in left_out),
            *_caveats(tasks, pooled, evaluations),
        ],
        systems=systems,
        tasks=tasks,
        pooled=pooled if len(tasks) > 1 else None,
        columns=columns([row for task in tasks for row in task.rows]),
        warnings=_warnings(tasks),
        common=common,
        methods=[
            MethodPart(
                system=row.system, told=told, notes=row.notes, command=command_of(one.environment)
            )
            for row, told, one in zip(pooled.rows, own, measured, strict=True)
        ],
    )


def _systems(evaluations: Sequence[Evaluation]) -> list[System]:
    names = _with_models(evaluations)
    return [
        System(
            number=number,
            # Two of the same name are told apart by their folders.
            name=name if names.count(name) == 1 else f"{name} ({evaluations[number].name})",
        )
        for number, name in enumerate(names)
    ]


def _with_models(evaluations: Sequence[Evaluation]) -> list[str]:
    """What the systems are called; with their models where not all have the same."""
    if len({one.configuration.get("model") for one in evaluations}) == 1:
        return [one.system for one in evaluations]
    return [f"{one.system} on {one.model}" if one.model else one.system for one in evaluations]


def _task(
    name: str,
    measured: Sequence[Measured],
    systems: Sequence[System],
    entries: Sequence[ProblemEntry],
) -> TaskPart:
    rows = _rows(name, measured, systems)
    own = [entry for entry in entries if entry.task == name]
    return TaskPart(name=name, rows=rows, entries=own, plots=plots_of(rows))


def _rows(
    task: str | None, measured: Sequence[Measured], systems: Sequence[System]
) -> list[SystemRow]:
    """The rows of a task; of all pooled under None."""
    parts = [
        one.figures["pooled"] if task is None else one.figures["tasks"].get(task)
        for one in measured
    ]
    rows = [
        system_row(system, part, one.differences.get(task), one.to_best.get(task))
        for system, part, one in zip(systems, parts, measured, strict=True)
        if part is not None
    ]
    return mark_best(rows)


def _caveats(
    tasks: Sequence[TaskPart], pooled: TaskPart, evaluations: Sequence[Evaluation]
) -> list[str]:
    return [
        *caveats.of_resolution({task.name: task.rows for task in tasks}),
        *caveats.of_comparisons([row for task in tasks for row in task.rows]),
        *caveats.of_samples(pooled.rows),
        *caveats.of_problems(evaluations),
    ]


def _warnings(tasks: Sequence[TaskPart]) -> dict[str, str]:
    found = {name for task in tasks for row in task.rows for name in row.warnings}
    return {name: told for name, told in WARNINGS.items() if name in found}


def _title(tasks: Sequence[str], systems: Sequence[System]) -> str:
    who = systems[0].name if len(systems) == 1 else f"{len(systems)} systems"
    return f"{who} on {', '.join(tasks)}"


def _about(evaluations: Sequence[Evaluation]) -> str:
    """On what model, and when."""
    models = dict.fromkeys(
        str(model) for one in evaluations if (model := one.configuration.get("model"))
    )
    days = sorted(
        {str(day)[:10] for one in evaluations if (day := one.configuration.get("started"))}
    )
    told = [f"Model{'s' if len(models) > 1 else ''} {joined(list(models))}"] if models else []
    if days:
        told.append(
            f"measured on {days[0]}" if len(days) == 1 else f"measured {days[0]} to {days[-1]}"
        )
    return ", ".join(told)
