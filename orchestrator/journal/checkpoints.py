"""Checkpoints: what has been committed is copied from SQLite's log into the journal, in a thread of its own.

Only this waits for the disk. Writing goes on meanwhile, and where no commit comes in between, the log begins anew.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

# With calls of 6 kB, 12 MB.
_RECORDS = 2_000
_ROUNDS = 3


class Checkpoints:
    """The checkpoints of one journal.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = 0
        self._thread: threading.Thread | None = None

    def after_commit(self, records: int) -> None:
        """Takes note of a commit, and begins a checkpoint if there have been many; it waits for nothing."""
        self._records += records
        if self._records >= _RECORDS and (self._thread is None or not self._thread.is_alive()):
            self._records = 0
            self._thread = threading.Thread(
                target=self._run, name="forkjoin-checkpoint", daemon=True
            )
            self._thread.start()

    def wait(self) -> None:
        """Waits until none is being made."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        # What fails here fails again, and is told, where the log is written.
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path)) as connection:
            for _ in range(_ROUNDS):
                ((_, written, copied),) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                if written == copied:
                    break
