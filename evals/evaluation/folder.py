"""Writes what an evaluation's folder holds: problems, samples, grades and figures.

samples.jsonl is added to, a line at a time, so that a kill loses at most the line that is being written. The other
files appear complete or not at all, as often as somebody writes them. How they are read: see `reading.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orchestrator.runs.run_folder import (
    cut_torn_line,
    folder_errors,
    line_of,
    write_json,
    write_lines,
)

from ..problem import Problem
from .rows import Grade, Sample

PROBLEMS, SAMPLES, GRADES = "problems.jsonl", "samples.jsonl", "grades.jsonl"
METRICS = "metrics.json"
SWEEP = "sweep.json"


def write_problems(path: Path, problems: Mapping[str, Sequence[Problem]]) -> None:
    """Writes the problems of each task as they are put.

    Raises:
        RunFolderError: They cannot be written.
    """
    rows = (
        {"task": task, **problem.model_dump(mode="json")}
        for task, several in problems.items()
        for problem in several
    )
    write_lines(path, PROBLEMS, rows)


def write_grades(path: Path, grades: Iterable[Grade]) -> None:
    """Writes what is thought of the samples now, in the place of what was thought before.

    Raises:
        RunFolderError: They cannot be written.
    """
    write_lines(path, GRADES, (grade.model_dump() for grade in grades))


def write_metrics(path: Path, data: Mapping[str, Any]) -> None:
    """Writes the figures.

    Raises:
        RunFolderError: They cannot be written.
    """
    write_json(path, METRICS, data)


def write_sweep(path: Path, systems: Sequence[str]) -> None:
    """Writes into the folder around a sweep's systems in which order these are compared, the first with all others.

    Args:
        path: The folder, made if it is not there.
        systems: The names of their folders.

    Raises:
        RunFolderError: It cannot be written.
    """
    with folder_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    write_json(path, SWEEP, {"systems": list(systems)})


class SampleFile:
    """The samples of an evaluation, added to while it runs. Use it inside a `with` block, by one process at a time.

    Args:
        path: The evaluation's folder.

    Raises:
        RunFolderError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with folder_errors(path):
            cut_torn_line(path / SAMPLES)
            # Unbuffered: a row is there as soon as it is written, whatever becomes of the process.
            self._file = (path / SAMPLES).open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, sample: Sample) -> None:
        """Adds a sample.

        Raises:
            RunFolderError: It cannot be written.
        """
        # Models write half of a surrogate pair at times.
        left = memoryview(line_of(_data(sample)).encode("utf-8", "replace"))
        with folder_errors(self._path):
            while left:
                left = left[self._file.write(left) :]


def _data(sample: Sample) -> dict[str, Any]:
    data = sample.model_dump()
    # No JSON number is infinite.
    if sample.score is not None and not math.isfinite(sample.score):
        data["score"] = None
    return data
