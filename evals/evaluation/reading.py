"""Reads an evaluation's folder back, while it goes on or after it ended.

It takes what a killed process or a newer patch left: a torn last line, files that are not there, rows with fields that
it does not know. A newer schema is refused, and so is a row that is none: what is lost would change the figures unseen.
It writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestrator import RunUnreadable
from orchestrator.runs.run_folder import check_there
from orchestrator.runs.run_record import check_version, read_configuration

from ..problem import Problem
from .evaluation import Evaluation
from .folder import GRADES, PROBLEMS, SAMPLES, SWEEP
from .rows import Grade, Key, Sample

R = TypeVar("R", Sample, Grade)

_THREADS = ("threads",)

KIND = "evaluation"
"""What an evaluation's `config.yaml` calls it, so that it is not taken for a run."""


def read_evaluation(path: Path, *, threads: bool = True) -> Evaluation:
    """The evaluation in a folder.

    Args:
        path: The folder.
        threads: Whether samples have their threads, which are most of their memory, and which only readers look at.

    Raises:
        RunUnreadable: It is not there, is no evaluation, holds what is no row, was written by a newer version, or the
            operating system does not let it be read.
    """
    check_there(path)
    try:
        configuration = read_configuration(path)
        if not is_evaluation(path):
            raise RunUnreadable(
                f"{path} is no evaluation: give the folder of one, which forkjoin eval makes"
            )
        problems = _problems(path)
        return Evaluation(
            path=path,
            configuration=configuration,
            problems=problems,
            samples=_ordered(_rows(path / SAMPLES, Sample, () if threads else _THREADS), problems),
            grades=_ordered(_rows(path / GRADES, Grade), problems),
        )
    except OSError as error:
        raise RunUnreadable(f"the evaluation {path} cannot be read: {error}") from error


def is_evaluation(path: Path) -> bool:
    """Whether a folder is that of an evaluation.

    Raises:
        RunUnreadable: A newer version wrote it.
        OSError: It cannot be read.
    """
    return (path / PROBLEMS).is_file() or read_configuration(path).get("kind") == KIND


def evaluations_in(path: Path) -> list[Path]:
    """The folders of evaluations that a folder stands for: itself, or those of a sweep's systems, in the sweep's order.

    Raises:
        RunUnreadable: There are none, or a newer version wrote one.
    """
    check_there(path)
    try:
        if is_evaluation(path):
            return [path]
        found = [inner for inner in path.iterdir() if inner.is_dir() and is_evaluation(inner)]
        order = _order(path)
        found.sort(key=lambda inner: (order.get(inner.name, len(order)), *_begun(inner)))
    except OSError as error:
        raise RunUnreadable(f"the folder {path} cannot be read: {error}") from error
    if not found:
        raise RunUnreadable(
            f"{path} is no evaluation and holds none: give a folder that forkjoin eval made"
        )
    return found


def not_begun(path: Path) -> list[Path]:
    """The folders that a sweep's folder has still to get: of systems that nobody has begun.

    Raises:
        RunUnreadable: It does not say so.
    """
    return [path / name for name in _order(path) if not (path / name / "config.yaml").is_file()]


def _order(path: Path) -> Mapping[str, int]:
    """The places of a sweep's systems; none where no sweep says so."""
    try:
        data = json.loads((path / SWEEP).read_bytes())
        check_version(path, data)
        return {str(name): place for place, name in enumerate(data["systems"])}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RunUnreadable(
            f"{path / SWEEP} does not say in which order systems are: mend it, or remove it"
        ) from None


def _begun(path: Path) -> tuple[str, str]:
    """When an evaluation was begun, and its name."""
    return str(read_configuration(path).get("started", "")), path.name


def _problems(path: Path) -> Mapping[str, Sequence[Problem]]:
    problems: dict[str, list[Problem]] = {}
    for place, data in _lines(path / PROBLEMS):
        known = {name: value for name, value in data.items() if name in Problem.model_fields}
        try:
            problem = Problem.model_validate(known)
        except ValidationError as error:
            raise _no_row(place, error) from None
        problems.setdefault(str(data.get("task", "")), []).append(problem)
    return problems


def _rows(file: Path, kind: type[R], without: Collection[str] = ()) -> Mapping[Key, R]:
    """The rows by what they are of, without some of their fields; of several the last one counts."""
    rows: dict[Key, R] = {}
    for place, data in _lines(file):
        for name in without:
            data.pop(name, None)
        try:
            row = kind.model_validate(data)
        except ValidationError as error:
            raise _no_row(place, error) from None
        rows[row.key] = row
    return rows


def _ordered(rows: Mapping[Key, R], problems: Mapping[str, Sequence[Problem]]) -> Mapping[Key, R]:
    """The rows in the order of the problems, whatever the order in which samples ended."""
    named = ((task, problem.id) for task, several in problems.items() for problem in several)
    places = {name: place for place, name in enumerate(named)}

    def place(key: Key) -> tuple[int, Key]:
        return places.get((key.task, key.problem), len(places)), key

    return {key: rows[key] for key in sorted(rows, key=place)}


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in a file, each with its place; none if the file is not there."""
    try:
        lines = file.open("rb")
    except FileNotFoundError:
        return
    with lines:
        for number, line in enumerate(lines, 1):
            # The last one may be torn, or not yet written to its end.
            if not line.endswith(b"\n"):
                return
            place = f"{file}, line {number}"
            try:
                data = json.loads(line)
            except ValueError as error:
                raise _no_row(place, error) from None
            if not isinstance(data, dict):
                raise _no_row(place, "it is no object")
            check_version(file.parent, data)
            yield place, data


def _no_row(place: str, reason: object) -> RunUnreadable:
    if isinstance(reason, ValidationError):
        first = reason.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return RunUnreadable(
        f"{place} is no row of an evaluation: {reason}; mend the line, or take it out"
    )
