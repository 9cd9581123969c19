"""One process of math-verify, from outside.

It has to be a process: some inputs take math-verify hours, in code that nothing but a kill ends. It is a program of its
own, not a `multiprocessing` child, since those import the caller's main module first.
"""

from __future__ import annotations

import json
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import EqualityUnavailable

_PROGRAM = Path(__file__).with_name("program.py")
_SECONDS_TO_START = 120.0
# Only a process that somebody stopped gets here: it is killed by itself after some seconds of work.
_SECONDS_TO_ANSWER = 60.0


@dataclass(slots=True)
class Counts:
    """What became of a worker's comparisons.

    Attributes:
        asked: How many there were.
        killed: How many took too long, so that the process was killed.
        started: How many processes were started.
    """

    asked: int = 0
    killed: int = 0
    started: int = 0


class Worker:
    """Compares answers in a process that it starts when it is first needed, and again when it had to be killed.

    Not for several threads at once, but for `close`.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False

    def ask(self, request: Mapping[str, Any]) -> bool | None:
        """What the program answers; None if it cannot tell, also in the time that it has. Blocks.

        Raises:
            EqualityUnavailable: math-verify does not start.
        """
        line = json.dumps(request).encode() + b"\n"
        self.counts.asked += 1
        # One more try, since the process may have been killed from outside.
        for _ in range(2):
            if self._closing:
                break
            process = self._running()
            answer = _answered(process, line) if process else b""
            if answer:
                known = json.loads(answer)
                return None if known is None else bool(known)
            ended = self._end()
            if answer is None or ended == -signal.SIGPROF:
                self.counts.killed += 1
                break
        return None

    def close(self) -> None:
        """Ends the process, and with it a comparison that still runs, in whatever thread that waits. For good."""
        self._closing = True
        process = self._process
        if process is not None:
            process.kill()

    def forget(self) -> None:
        """In a forked child: lets go of the parent's process."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
            # It is the parent's child, and the parent's to wait for.
            process.returncode = 0

    def end(self) -> None:
        """Ends the process. Only for who may ask."""
        self._end()

    def _running(self) -> subprocess.Popen[bytes] | None:
        """The process, ready; None if it was closed on the way there."""
        if self._process is None:
            # A file, since a pipe that nobody reads would fill up.
            with tempfile.TemporaryFile() as errors:
                self._process = _start(errors)
                self.counts.started += 1
                if self._closing:
                    self._process.kill()
                # Its first line says that math-verify is imported.
                ready = _read(self._process, _SECONDS_TO_START)
                if not ready:
                    self._end()
                    if self._closing:
                        return None
                    raise EqualityUnavailable(_reason(errors, ended=ready is not None))
        return self._process

    def _end(self) -> int | None:
        """Kills the process; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        process.communicate()
        return process.returncode


def _start(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # Without this folder on the path: its modules would hide others of the same name.
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        # A Ctrl-C is the caller's to handle.
        start_new_session=True,
    )


def _answered(process: subprocess.Popen[bytes], line: bytes) -> bytes | None:
    assert process.stdin is not None
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    return _read(process, _SECONDS_TO_ANSWER)


def _reason(errors: IO[bytes], ended: bool) -> str:
    """Why the process did not start: the last line that it wrote, which of a traceback is the exception."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    said = f", and said {lines[-1].strip()!r}" if lines else ""
    how = "its process ended" if ended else f"its process was not ready in {_SECONDS_TO_START:g} s"
    return f"{how}{said}"


def _read(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """The next line; nothing where the process ended, None if there is no line in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            return None
    return process.stdout.readline()
