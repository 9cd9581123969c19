"""Finds run folders: by name, by path, or the last one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..errors import RunUnreadable
from .run_record import read_configuration, started_of

LAST = "last"
"""What the run that began last is called."""


def run_folders(base: str | Path) -> list[Path]:
    """The run folders in `base`, the one that began last first; empty if there is no such folder.

    Raises:
        RunUnreadable: The operating system does not let it be read.
    """
    try:
        found = [path for path in Path(base).iterdir() if _is_run(path)]
        return sorted(found, key=lambda path: (_started(path), path.name), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunUnreadable(f"the folder {base} cannot be read: {error}") from error


def find_run(base: str | Path, name: str) -> Path:
    """The folder of a run.

    Args:
        base: The folder of all runs.
        name: Its name in there, the path of its folder, or `last`.

    Raises:
        RunUnreadable: There is no such run.
    """
    if name == LAST:
        folders = run_folders(base)
        if not folders:
            raise RunUnreadable(f"there are no runs in {base}: choose their folder with --out")
        return folders[0]
    for path in (Path(base) / name, Path(name)):
        if name and _is_run(path):
            return path
    raise RunUnreadable(
        f"there is no run {name!r} in {base}: see forkjoin runs, or choose their folder with --out"
    )


def _is_run(path: Path) -> bool:
    return any((path / name).is_file() for name in ("config.yaml", "events.jsonl"))


def _started(path: Path) -> datetime:
    try:
        return started_of(path, read_configuration(path))
    except RunUnreadable:
        return started_of(path, {})
