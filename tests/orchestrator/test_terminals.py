"""What commands show on a terminal: here one that the tests hold the other end of."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.orchestrator.processes import FORKJOIN, SECONDS, started
from tests.orchestrator.working import working

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What a command wrote on its terminal."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._written = b""

    @property
    def text(self) -> str:
        """All of it so far, without what controls the terminal."""
        return _CONTROL.sub("", self._written.decode(errors="replace"))

    def read_until(self, pattern: str) -> re.Match[str]:
        """Reads on until what was written matches; fails after some minutes."""
        end = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self._file], [], [], max(0.0, end - time.monotonic()))
            assert ready, self.text
            self._written += os.read(self._file, 65536)
        return found


@contextmanager
def on_terminal(base: Path, *arguments: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    ends: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    kind = {"TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    with started(FORKJOIN, *arguments, folder=base, more=kind, **ends):
        os.close(theirs)
        try:
            yield Terminal(ours)
        finally:
            os.close(ours)


def test_a_run_is_watched_as_in_its_own_terminal_and_told_of_at_its_end(tmp_path: Path) -> None:
    watch = ["status", "last", "--watch"]
    with working(tmp_path / "runs") as work, on_terminal(tmp_path, *watch) as terminal:
        terminal.read_until(r"why +think: why\? +11 +\d+\.\d")
        terminal.read_until(f"{work.folder.name} · calls 1 open, 1 done · 11 tokens")
        work.end()
        terminal.read_until(r"state +ok after ")
        terminal.read_until(r"answer +so")


def test_runs_are_a_table_on_a_terminal(tmp_path: Path) -> None:
    with working(tmp_path / "runs") as work, on_terminal(tmp_path, "runs") as terminal:
        found = terminal.read_until(
            r"run +state +age +worked +nodes +tokens +question\s+(\S+) +(\w+) "
        )
    assert found.groups() == (work.folder.name, "running")
