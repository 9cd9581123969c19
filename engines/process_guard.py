"""Engine processes that a Ctrl-C does not reach and that never outlive their parent.

vLLM's core runs in a process of its own. Left alone it shares its parent's process group, so that Ctrl-C kills it
before running requests can be drained, and it lives on when the parent is killed. Inside `guarded_children` every
spawned process first moves to a session of its own, sends what it prints to a log, and watches its parent.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_KEY = "forkjoin.guard"
_SECONDS_BETWEEN_LOOKS = 1.0
_ERROR = re.compile(r"\b\w*(?:Error|Exception): \S.*")


@contextmanager
def guarded_children(log: Path) -> Iterator[None]:
    """Guards the processes that `multiprocessing` spawns in this block; what they print is appended to `log`."""
    # A spawned process unpickles its configuration before its target, and the target of vLLM's core imports vLLM,
    # which takes 15 s: a guard that came later would leave an orphan for that long.
    configuration: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    configuration[_KEY] = _Guard(os.getpid(), str(log))
    try:
        yield
    finally:
        del configuration[_KEY]


def kill_session(process: BaseProcess) -> None:
    """Kills a guarded process and its descendants; one that is gone already is fine."""
    try:
        if process.pid is not None and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass


def first_error(log: Path) -> str:
    """The first error that a guarded process logged, which later ones come of; empty if there is none."""
    found = _ERROR.search(log.read_text(errors="replace"))
    return found.group() if found else ""


class _Guard:
    """Unpickled in a child, it runs `follow` there."""

    def __init__(self, parent: int, log: str) -> None:
        self._arguments = parent, log

    def __reduce__(self) -> tuple[Any, ...]:
        # A process forked meanwhile has the guard too, but is not the one to follow.
        return (follow, self._arguments) if os.getpid() == self._arguments[0] else (bool, ())


def follow(parent: int, log: str) -> None:
    """Moves this process to a session of its own, appends what it prints to `log`, and ends it with its parent."""
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os.killpg(0, signal.SIGKILL)
