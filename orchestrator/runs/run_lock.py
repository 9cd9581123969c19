"""The lock of a run folder: who works on the run. The kernel gives it back when that process ends, even by a kill.

`runs/NAME/lock` is locked with `flock` and says which process holds it and since when. What it says counts only
while it is locked: a killed process leaves the file, unlocked. It knows nothing of what else is in the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import RunInUse
from ..events import SCHEMA_VERSION

LOCK = "lock"
"""Its file in the folder."""

# Who looks at a lock holds it for a moment, and who takes it has not signed it for a moment, which on a busy machine
# may be some tenths of a second.
_TRIES = 1_000
_MOMENT = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock.

    Attributes:
        pid: The process.
        started: When it took the lock.
    """

    pid: int
    started: datetime


class RunLock:
    """The lock of one run folder, held from here to `release`.

    Args:
        folder: The run folder.

    Raises:
        RunInUse: Another process works on the run, or this one does already.
        OSError: The lock cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file = self._take(folder)
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, _signature())
        except BaseException:
            self.release()
            raise

    def _take(self, folder: Path) -> int:
        for _ in range(_TRIES):
            with _opened(self._path, os.O_RDWR | os.O_CREAT) as file:
                # Who held it before may have removed it since it was opened.
                if _locks(file, fcntl.LOCK_EX) and os.fstat(file).st_nlink:
                    return os.dup(file)
            holder = lock_holder(folder)
            if holder is not None:
                raise _in_use(folder, holder)
            time.sleep(_MOMENT)
        raise OSError(f"{self._path} is taken and given back without a pause")

    def release(self) -> None:
        """Gives the lock back. A second call does nothing."""
        if self._file >= 0:
            file, self._file = self._file, -1
            with suppress(OSError):
                self._path.unlink()
            os.close(file)


def check_free(folder: Path) -> None:
    """Says early that nobody else may work on the run in this folder.

    Raises:
        RunInUse: Another process does.
        OSError: The lock cannot be read.
    """
    holder = lock_holder(folder)
    if holder is not None:
        raise _in_use(folder, holder)


def lock_holder(folder: Path) -> Holder | None:
    """Who works on the run in this folder; None if nobody does.

    Raises:
        OSError: The lock cannot be read.
    """
    for _ in range(_TRIES):
        try:
            with _opened(folder / LOCK, os.O_RDONLY) as file:
                if _locks(file, fcntl.LOCK_SH):
                    return None
                holder = _read(os.pread(file, 4096, 0))
        except FileNotFoundError:
            return None
        if holder is not None:
            return holder
        time.sleep(_MOMENT)
    raise OSError(f"{folder / LOCK} is held and does not say by which process")


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    file = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        yield file
    finally:
        os.close(file)


def _locks(file: int, kind: int) -> bool:
    """Locks the file, if nobody else has it locked."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signature() -> bytes:
    started = datetime.now().astimezone().isoformat(timespec="microseconds")
    data = {"schema_version": SCHEMA_VERSION, "pid": os.getpid(), "started": started}
    return json.dumps(data).encode() + b"\n"


def _read(signature: bytes) -> Holder | None:
    try:
        data = json.loads(signature)
        holder = Holder(pid=int(data["pid"]), started=datetime.fromisoformat(data["started"]))
    except (ValueError, KeyError, TypeError):
        return None
    # Signals to process 0 and below go to whole groups of processes.
    return holder if holder.pid > 0 else None


def _in_use(folder: Path, holder: Holder) -> RunInUse:
    since = holder.started.astimezone().strftime("%H:%M:%S")
    return RunInUse(
        f"process {holder.pid} works on the run {folder} since {since}: "
        f"wait for it, or stop it with forkjoin cancel {folder}",
        pid=holder.pid,
    )
