"""`forkjoin cancel`: stops a run from another terminal, as Ctrl-C does in its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from engines import RunError, UsageError

from ..runs.run_lock import Holder, lock_holder
from ..runs.run_record import RunReader, RunRecord
from ..runs.run_search import find_run

_LOOK = 0.05


class CancelCommand:
    """Sends SIGTERM to the process that works on a run, and waits until it has let go of it.

    Args:
        patience: Seconds that it waits.
    """

    summary = "stop a run that another process works on; it can be resumed"

    def __init__(self, patience: float = 30.0) -> None:
        self._patience = patience

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("name", metavar="RUN", help="its name, its folder, or last")
        add("--out", metavar="DIR", default="runs", help="where run folders are (default: runs)")

    def run(self, arguments: argparse.Namespace) -> int:
        """Stops the run.

        Raises:
            UsageError: Nobody works on it.
            RunError: Its process may not be stopped, or does not end.
        """
        folder = find_run(arguments.out, arguments.name)
        record = RunReader(folder).read()
        holder = record.holder
        if holder is None:
            raise UsageError(_nothing_to_stop(record))
        _terminate(folder, holder)
        sys.stderr.write(
            f"stopping process {holder.pid}; waiting for at most {self._patience:g} s\n"
        )
        if not self._is_let_go(folder, holder):
            raise RunError(
                f"process {holder.pid} still works on the run {folder} after {self._patience:g} s: "
                f"wait, or end it with kill -9 {holder.pid}; what the run has finished is kept"
            )
        record = RunReader(folder).read()
        sys.stderr.write(f"the run {folder} is {record.state}: go on with {record.going_on}\n")
        return 0

    def _is_let_go(self, folder: Path, holder: Holder) -> bool:
        end = time.monotonic() + self._patience
        while lock_holder(folder) == holder:
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK)
        return True


command = CancelCommand()


def _terminate(folder: Path, holder: Holder) -> None:
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except PermissionError as error:
        raise RunError(
            f"process {holder.pid}, which works on the run {folder}, belongs to somebody else: "
            f"ask them to stop it"
        ) from error
    except ProcessLookupError as error:
        raise RunError(
            f"process {holder.pid} is not here, but the run {folder} is held by it, on another machine or "
            f"through a process that it started: stop it there"
        ) from error


def _nothing_to_stop(record: RunRecord) -> str:
    if record.state == "ok":
        return f"the run {record.path} has come to its end: there is nothing to cancel"
    return (
        f"nobody works on the run {record.path}, which is {record.state}: there is nothing to cancel; "
        f"go on with {record.going_on}"
    )
