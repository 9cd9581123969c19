"""The files of a run while it goes on: its folder and its journal, made anew or opened again."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import JournalError, RunFolderError
from ..journal import Journal, open_journal
from ..run_result import RunResult
from .run_folder import RunFolder, probe
from .run_lock import RunLock

_JOURNAL = "journal.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """Where a run keeps what it does.

    Attributes:
        folder: For people: configuration, events, results.
        journal: For the run itself, if it is resumed.
    """

    folder: RunFolder
    journal: Journal

    def write_result(self, result: RunResult) -> None:
        """Writes plan, samples and metrics, and of the journal what still waits.

        Raises:
            RunFolderError: They cannot be written; its `result` is the result.
            JournalError: It cannot be written; its `result` is the result.
        """
        data = result.to_data()
        nodes = data.pop("nodes")
        plan = data.pop("plan")
        rows = [{"question": result.plan.question, **node} for node in nodes]
        try:
            self.folder.write_json("plan.json", plan)
            self.folder.write_lines("samples.jsonl", rows)
            self.folder.write_json("metrics.json", data)
            self.journal.flush()
        except (JournalError, RunFolderError) as error:
            error.result = result
            raise


@asynccontextmanager
async def new_files(
    base: str | Path,
    journal_dir: str | Path | None,
    configuration: Mapping[str, Any],
    *,
    fingerprint: str,
    clock: Callable[[], float],
    name: str | None = None,
) -> AsyncIterator[RunFiles]:
    """Makes the files of a new run; where there can be no journal, no folder is left either.

    Args:
        base: The folder of all runs.
        journal_dir: The folder of journals; None puts it into the run's folder.
        configuration: What the run is asked to do, as JSON data.
        fingerprint: The engine's.
        clock: Seconds on any scale that only grows.
        name: How the folder is called; None makes a name of the time.

    Raises:
        RunFolderError: The folder cannot be made.
        JournalError: The journal cannot be made.
    """
    where = None if journal_dir is None else str(_own_place(Path(journal_dir).absolute(), name))
    with RunFolder.create(base, {**configuration, "journal_dir": where}, name=name) as folder:
        try:
            path = journal_path(folder.path, where)
            _make_folder(path.parent)
            journal = open_journal(path, fingerprint=fingerprint, clock=clock)
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        async with journal:
            yield RunFiles(folder=folder, journal=journal)


@asynccontextmanager
async def reopened_files(
    path: Path,
    lock: RunLock,
    journal_dir: str | None,
    *,
    fingerprint: str,
    clock: Callable[[], float],
    raised: Collection[str],
    new_journal: bool = False,
) -> AsyncIterator[RunFiles]:
    """Opens the files of a run to go on with it.

    Args:
        path: Its folder.
        lock: The folder's, from `held`.
        journal_dir: As its configuration says.
        fingerprint: The engine's.
        clock: Seconds on any scale that only grows.
        raised: What may be done again, though it has an end: see `open_journal`.
        new_journal: Whether a journal is made if there is none, since it is known that nothing was done.

    Raises:
        RunFolderError: The folder cannot be written.
        JournalError: The journal is not there, cannot be written, or belongs to another engine or version.
    """
    with RunFolder.reopen(path, lock) as folder:
        kept = journal_path(path, journal_dir)
        if new_journal:
            _make_folder(kept.parent)
        else:
            check_journal(path, journal_dir)
        journal = open_journal(kept, fingerprint=fingerprint, clock=clock, raised=raised)
        async with journal:
            yield RunFiles(folder=folder, journal=journal)


def check_journal(path: Path, journal_dir: str | None) -> None:
    """Says early that a run cannot be gone on with, since its journal is lost.

    Raises:
        JournalError: It is not there.
    """
    kept = journal_path(path, journal_dir)
    if not kept.exists():
        raise JournalError(
            f"the journal {kept} is not there, so nobody knows what the run has done: put it back, or start "
            f"a new run"
        )


def check_journals(journal_dir: str | Path) -> None:
    """Says early, and without leaving anything, that there can be no journals in this folder.

    Raises:
        JournalError: It cannot be made or written.
    """
    try:
        probe(journal_dir)
    except OSError as error:
        raise _unusable(Path(journal_dir), error) from error


def _own_place(journals: Path, name: str | None) -> Path:
    """Where the journal of a new run goes: what somebody calls it, a run elsewhere may be called too."""
    return journals if name is None else journals / f"{name}-{os.urandom(4).hex()}"


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"the folder {path} cannot be made: {error.strerror}; choose another with --journal-dir"
    )


def journal_path(folder: Path, journal_dir: str | None) -> Path:
    """Where the journal of the run in a folder is; `journal_dir` is what its configuration says."""
    return folder / _JOURNAL if journal_dir is None else Path(journal_dir) / f"{folder.name}.sqlite"
