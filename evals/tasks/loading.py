"""Where a task's problems are taken from: a file, its public dataset, or its generator.

--data FILE ──> jsonl ──┐
datasets ─────> hub ────┼─ rows ─ task.read ─> problems, and what was skipped
                        │
task.generate ──────────┘
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread

from engines import UsageError

from ..errors import ProblemFileError
from ..problem import Problem
from ..task import Dataset, Task
from .hub import fetched
from .jsonl import file_bytes, placed_rows
from .rows import Gathered, gathered

GENERATED = 50
"""Problems that are generated where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The problems of a task.

    Attributes:
        problems: In their order, each id once; at least one.
        source: Where they are from, as JSON data: `kind` is `file`, with its `path` and `sha256`; `dataset`, with its
            `id`, `name`, `split`, the full `revision`, and whether that is the one of the task (`verified`); or
            `generated`, with its `seed`.
        skipped: The rows that are no problems, such as `FILE line 7: answer: is missing`.
    """

    problems: tuple[Problem, ...]
    source: dict[str, Any]
    skipped: tuple[str, ...] = ()


async def load(task: Task, *, data: Path | None, seed: int, limit: int | None) -> Loaded:
    """The problems of a task.

    A dataset is downloaded once; after that, no network is needed.

    Args:
        task: Which.
        data: A file to read instead, of JSON lines: with `id`, `problem` and `answer`, or in the form of the dataset.
        seed: Of problems that are generated.
        limit: The first so many; None for all, or for `GENERATED`.

    Raises:
        ProblemFileError: The file cannot be read; or there is no problem.
        DatasetUnavailable: The dataset cannot be had.
        MissingExtra: It takes an extra that is not installed.
    """
    if limit is not None and limit < 1:
        raise ProblemFileError(f"the limit {limit} leaves no problems: give 1 or more")
    if data is not None:
        work = partial(_from_file, task, data, limit)
    elif task.generate is not None:
        return _generated(task, seed, limit)
    elif task.dataset is not None:
        work = partial(_from_dataset, task, task.dataset, limit)
    else:
        raise ProblemFileError(
            f"{task.name} has no public dataset: give its problems with --data FILE"
        )
    # Whoever is interrupted does not wait for a download.
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def chosen(problems: Sequence[Problem], ids: Iterable[str]) -> tuple[Problem, ...]:
    """The problems with these ids, in the order of the problems.

    Raises:
        UsageError: One is not there.
    """
    wanted = set(ids)
    known = [problem.id for problem in problems]
    for missing in sorted(wanted.difference(known)):
        like = get_close_matches(missing, known, n=3, cutoff=0.4) or known[:3]
        raise UsageError(
            f"no problem {missing!r}: there are {len(known)}, such as {', '.join(like)}"
        )
    return tuple(problem for problem in problems if problem.id in wanted)


def _generated(task: Task, seed: int, limit: int | None) -> Loaded:
    assert task.generate is not None
    problems = tuple(task.generate(seed, GENERATED if limit is None else limit))
    return Loaded(problems=problems, source={"kind": "generated", "seed": seed})


def _from_file(task: Task, path: Path, limit: int | None) -> Loaded:
    content = file_bytes(path)
    found = gathered(placed_rows(str(path), content), task.read, limit)
    source = {
        "kind": "file",
        "path": str(path),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    advice = "write one JSON object a line, with id, problem and answer"
    return _loaded(found, source, f"{path} holds no problems", advice)


def _from_dataset(task: Task, dataset: Dataset, limit: int | None) -> Loaded:
    table = fetched(dataset)
    found = gathered(table.rows, task.read, limit)
    source = {
        "kind": "dataset",
        "id": dataset.id,
        "name": dataset.name,
        "split": dataset.split,
        "revision": table.revision,
        "verified": dataset.revision is not None,
    }
    nothing = f"{dataset.id} at {table.revision[:7]} holds no problems of {task.name}"
    return _loaded(found, source, nothing, "give them with --data FILE")


def _loaded(found: Gathered, source: dict[str, Any], nothing: str, advice: str) -> Loaded:
    if not found.problems:
        first = f" ({found.skipped[0]})" if found.skipped else ""
        raise ProblemFileError(f"{nothing}{first}: {advice}")
    return Loaded(problems=found.problems, source=source, skipped=found.skipped)
