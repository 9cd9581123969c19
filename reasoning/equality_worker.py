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
import threading
from functools import lru_cache
from typing import Any

_SECONDS_TO_START = 120.0
# math-verify's own limit for each of the four steps of a comparison; beyond all four it does not answer any more.
_SECONDS_PER_STEP = 3
_SECONDS_TO_ANSWER = 4 * _SECONDS_PER_STEP + 3.0


class EqualityWorker:
    """Compares answers in a process that it starts when it is first needed, and again when it had to be killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def verify(self, first: str, second: str) -> bool:
        """Whether math-verify takes two answers for equal; what it cannot decide in time is not. Blocks."""
        request = json.dumps([first, second]).encode() + b"\n"
        with self._lock:
            # One more try, since the process may have been killed from outside.
            for _ in range(2):
                process = self._running()
                if process is None:
                    return False
                try:
                    assert process.stdin is not None
                    process.stdin.write(request)
                    process.stdin.flush()
                except BrokenPipeError:
                    self._kill()
                    continue
                answer = _read(process, _SECONDS_TO_ANSWER)
                if answer is not None:
                    return bool(json.loads(answer))
                self._kill()
                return False
        return False

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._kill()

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._process is None:
            self._process = subprocess.Popen(
                # Without this folder on the path: its modules would hide others of the same name.
                [sys.executable, "-P", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A Ctrl-C is the caller's to handle.
                start_new_session=True,
            )
            # Its first line says that math-verify is imported.
            if _read(self._process, _SECONDS_TO_START) is None:
                self._kill()
        return self._process

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _read(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """The next line, or None if there is none in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            return None
    return process.stdout.readline() or None


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

    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    answers.write("ready\n")
    for line in sys.stdin:
        try:
            equal = _verify(*json.loads(line))
        except Exception:  # Whatever sympy raises means that it cannot tell.
            equal = False
        answers.write(json.dumps(equal) + "\n")


if __name__ == "__main__":
    _serve()
