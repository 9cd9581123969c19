"""One process for each journal: a lock that the kernel gives back when its process ends, also by a kill."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ..errors import JournalError, RunInUse


class ProcessLock:
    """Holds `PATH.lock`, which says by which process, until it is released.

    Raises:
        RunInUse: Another process holds it, or this one does already.
        JournalError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            self._take()
        except OSError as error:
            self.release()
            raise JournalError(
                f"the journal {path} cannot be locked: {error.strerror}; choose another folder with --journal-dir"
            ) from error
        except RunInUse:
            self.release()
            raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Who has just taken it may not have signed it yet.
            pid = int(os.pread(self._file, 32, 0).strip() or 0)
            raise RunInUse(
                f"process {pid or '(unknown)'} writes the journal {self._path}: wait for it to end, or stop it",
                pid=pid,
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Lets others have it. A second call does nothing."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)
