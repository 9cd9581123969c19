"""The tasks and problems that options name, loaded once however many systems they are put to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import UsageError

from ..evaluation.reading import read_evaluation
from ..problem import Problem
from ..task import Task
from ..tasks.catalogue import task_named
from ..tasks.loading import Loaded, chosen, load
from .evaluate_options import Order


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is put to a system.

    Attributes:
        tasks: By their names.
        problems: Of each task.
        sources: Where they are from, as JSON data.
        skipped: The rows that were no problems.
    """

    tasks: Mapping[str, Task]
    problems: Mapping[str, Sequence[Problem]]
    sources: Mapping[str, Any]
    skipped: Sequence[str] = ()


@dataclass
class Problems:
    """Loads problems."""

    _loaded: dict[tuple[Any, ...], Loaded] = field(default_factory=dict)

    async def of(self, order: Order) -> Asked:
        """What an order asks; of an evaluation that is gone on with, what its folder holds.

        Raises:
            UsageError: There is no such task or problem, or they cannot be loaded.
        """
        options = order.options
        tasks = _tasks(options.tasks)
        kept = None if order.begun is None else _kept(order.begun, tasks)
        if kept is not None:
            return kept
        files = _files(options.data, list(tasks))
        wanted = _ids(options, tasks)
        loaded = {
            name: await self._load(task, files.get(name), options) for name, task in tasks.items()
        }
        problems = {name: found.problems for name, found in loaded.items()}
        if wanted is not None:
            problems = {name: chosen(several, wanted) for name, several in problems.items()}
        return Asked(
            tasks=tasks,
            problems={name: several[: options.limit] for name, several in problems.items()},
            sources={name: _source(found) for name, found in loaded.items()},
            skipped=[row for found in loaded.values() for row in found.skipped],
        )

    async def _load(self, task: Task, file: Path | None, options: argparse.Namespace) -> Loaded:
        # Of those that are named, the limit counts.
        limit = options.limit if options.problems is None else None
        key = (task.name, file, options.seed, limit)
        if key not in self._loaded:
            self._loaded[key] = await load(task, data=file, seed=options.seed, limit=limit)
        return self._loaded[key]


def _source(loaded: Loaded) -> dict[str, Any]:
    """Where problems are from, and what of it is left out, which is kept for reports."""
    skipped = loaded.skipped
    told = {"skipped": {"rows": len(skipped), "first": skipped[0]}} if skipped else {}
    return {**loaded.source, **told}


def _tasks(places: Sequence[str]) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for place in places:
        task = task_named(place)
        if task.name in tasks:
            raise UsageError(f"{place}: two tasks are called {task.name!r}: name one of them")
        tasks[task.name] = task
    return tasks


def _kept(path: Path, tasks: Mapping[str, Task]) -> Asked | None:
    """What an evaluation was begun with; None if it was left before its problems were written."""
    begun = read_evaluation(path, threads=False)
    if not begun.problems:
        return None
    problems = {name: begun.problems[name] for name in tasks if name in begun.problems}
    if len(problems) < len(tasks):
        (missing, *_) = (name for name in tasks if name not in problems)
        raise UsageError(f"{path} has no problems of {missing}: begin a new one")
    return Asked(tasks=tasks, problems=problems, sources=begun.configuration.get("sources", {}))


def _files(given: Sequence[str], tasks: Sequence[str]) -> dict[str, Path]:
    """The files in `--data`, by the names of their tasks."""
    files: dict[str, Path] = {}
    for item in given:
        name, separator, file = item.partition("=")
        if not separator or name not in tasks:
            if len(tasks) > 1:
                raise UsageError(
                    f"--data {item}: of several tasks, say which: TASK=FILE, with {' or '.join(tasks)}"
                )
            name, file = tasks[0], item
        if name in files:
            raise UsageError(f"--data {item}: {name} has a file already: {files[name]}")
        files[name] = Path(file)
    return files


def _ids(options: argparse.Namespace, tasks: Mapping[str, Task]) -> list[str] | None:
    if options.problems is None:
        return None
    if len(tasks) > 1:
        raise UsageError(f"--problems {options.problems}: works with one task, not {len(tasks)}")
    return [id.strip() for id in options.problems.split(",") if id.strip()]
