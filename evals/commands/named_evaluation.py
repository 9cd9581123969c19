"""The folder that a command is given as RUN, which `last` stands for too. It does not know what is done with it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from orchestrator import RunUnreadable
from orchestrator.runs.run_record import read_configuration, started_of
from orchestrator.runs.run_search import LAST

from ..evaluation.reading import evaluations_in
from .evaluate_options import RUNS


def evaluation_folder(name: Path) -> Path:
    """The folder that is meant: `last` is the evaluation in `runs`, or the sweep of them, that was begun last.

    Raises:
        RunUnreadable: There is none.
    """
    if str(name) != LAST:
        return name
    begun: dict[Path, datetime] = {}
    for path in RUNS.iterdir() if RUNS.is_dir() else ():
        # What is no evaluation, or cannot be read, is not the last one.
        with suppress(RunUnreadable, OSError):
            begun[path] = max(map(_begun, evaluations_in(path)))
    if not begun:
        raise RunUnreadable(
            f"there are no evaluations in {RUNS}: give the folder of one, which forkjoin eval made"
        )
    return max(begun, key=lambda path: (begun[path], path.name))


def _begun(path: Path) -> datetime:
    return started_of(path, read_configuration(path))
