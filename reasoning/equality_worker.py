"""math-verify in a process that can be killed.

It has to be a process: math-verify takes seconds for some inputs, uses signals that only a main thread may set, and
now and then hangs. It is a program of its own, not a `multiprocessing` child, since those import the caller's main
module first. It ends when its standard input does, so it never outlives the caller.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
from functools import lru_cache
from typing import IO, Any

_SECONDS_TO_START = 120.0
# math-verify's own limit for each of the four steps of a comparison; beyond all four it does not answer any more.
_SECONDS_PER_STEP = 3
_SECONDS_TO_ANSWER = 4 * _SECONDS_PER_STEP + 3.0


class EqualityWorker:
    """Compares answers in a process that it starts when it is first needed, and again when it had to be killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def verify(self, first: str, second: str) -> bool:
        """Whether math-verify takes two answers for equal; what it cannot decide in time is not. Blocks.

        Raises:
            EqualityUnavailable: math-verify does not start.
        """
        request = json.dumps([first, second]).encode() + b"\n"
        with self._lock:
            # One more try, since the process may have been killed from outside.
            for _ in range(2):
                if self._closing:
                    break
                process = self._running()
                try:
                    assert process.stdin is not None
                    process.stdin.write(request)
                    process.stdin.flush()
                except BrokenPipeError:
                    self._kill()
                    continue
                answer = _read(process, _SECONDS_TO_ANSWER)
                if answer:
                    return bool(json.loads(answer))
                self._kill()
                return False
        return False

    def close(self) -> None:
        """Ends the process, and with it a comparison that still runs."""
        self._closing = True
        process = self._process
        if process is not None:
            # Before the lock: who holds it waits for this process.
            process.kill()
        with self._lock:
            self._kill()
            self._closing = False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # A file, since a pipe that nobody reads would fill up.
            with tempfile.TemporaryFile() as errors:
                self._process = _start(errors)
                if self._closing:
                    self._process.kill()
                # Its first line says that math-verify is imported.
                ready = _read(self._process, _SECONDS_TO_START)
                if not ready:
                    # Not at the top: as a program, this file is in no package.
                    from .errors import EqualityUnavailable

                    self._kill()
                    raise EqualityUnavailable(_reason(errors, ended=ready is not None))
        return self._process

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _leave_to_parent(self) -> None:
        """A forked child starts a process of its own: two that share the pipes would read each other's answers."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            # It is the parent's child, and the parent's to wait for.
            process.returncode = 0


def _start(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # Without this folder on the path: its modules would hide others of the same name.
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        # A Ctrl-C is the caller's to handle.
        start_new_session=True,
    )


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


# A vote compares each answer with many.
@lru_cache(maxsize=10_000)
def _parsed(text: str) -> tuple[Any, ...]:
    from math_verify import parse

    return tuple(parse(f"${text}$", parsing_timeout=_SECONDS_PER_STEP))


def _verify(first: str, second: str) -> bool:
    from math_verify import verify

    gold, answer = _parsed(first), _parsed(second)
    if not gold or not answer:
        return False
    # math-verify is not symmetric: an interval may equal a tuple one way round only.
    return bool(
        verify(list(gold), list(answer), timeout_seconds=_SECONDS_PER_STEP)
        or verify(list(answer), list(gold), timeout_seconds=_SECONDS_PER_STEP)
    )


def _serve() -> None:
    import math_verify  # noqa: F401  # before the first request, whose time is measured

    # What libraries print must not get between the answers, nor fill the file of the reasons for not starting.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    answers.write("ready\n")
    for line in sys.stdin:
        try:
            equal = _verify(*json.loads(line))
        except Exception:  # Whatever sympy raises means that it cannot tell.
            equal = False
        answers.write(json.dumps(equal) + "\n")


if __name__ == "__main__":
    _serve()
