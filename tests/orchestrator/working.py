"""Processes that work on a run, or seem to: they hold its lock, have written events, and wait to be stopped."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.orchestrator.processes import SECONDS, started

QUESTION = "How many \x1b[2J apples?"

_WORKING = f"""
import signal, sys, time
from engines import Usage
from orchestrator import *
from orchestrator.events import EventBus
from orchestrator.runs.run_folder import RunFolder
from planners import Call, Reduce, Think

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "deaf" else stop)
with RunFolder.create(sys.argv[1], {{"question": {QUESTION!r}, "command": {{"seed": 5}}}}) as folder:
    bus = EventBus(time.monotonic, (folder.write,))
    bus.emit(RunStarted(question={QUESTION!r}, model="fake"))
    bus.emit(NodePlanned(node=Call(id="sum", tool="add", arguments={{"a": 1, "b": 2}})))
    bus.emit(NodePlanned(node=Call(id="bad", tool="break")))
    bus.emit(NodePlanned(node=Think(id="why", prompt="why?")))
    bus.emit(NodePlanned(node=Reduce(id="all", inputs=("sum", "why"), reducer="first")))
    bus.emit(NodeStarted(node="sum"))
    bus.emit(NodeFinished(node="sum", status="ok", result=3))
    bus.emit(NodeStarted(node="bad"))
    bus.emit(NodeFinished(node="bad", status="failed", reason="no\\nluck"))
    bus.emit(NodeStarted(node="why"))
    bus.emit(GenerationStarted(node="why", call=1, path="root/why/1"))
    bus.emit(GenerationStarted(node="why", call=2, path="root/why/2"))
    usage = Usage(prompt_tokens=7, generated_tokens=11)
    bus.emit(GenerationFinished(
        node="why", call=1, path="root/why/1", usage=usage, finish_reason="stop", seconds=0.5))
    bus.emit(CallNoticed(node="why", path="root/why/2", what="retried", reason="429"))
    try:
        # From here on it may be stopped.
        print(folder.path, flush=True)
        for line in sys.stdin:
            if line == "end\\n":
                bus.emit(NodeFinished(node="why", status="ok", result="so"))
                bus.emit(RunFinished(status="ok", answer="so", usage=usage))
                break
    except KeyboardInterrupt:
        bus.emit(RunFinished(status="cancelled", usage=usage))
        sys.exit(130)
"""


@dataclass(frozen=True)
class Work:
    """A process that works on a run.

    Attributes:
        process: Ends the run with an answer when it is told `end`.
        folder: The run folder.
    """

    process: subprocess.Popen[str]
    folder: Path

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("end\n")
        self.process.stdin.flush()
        self.process.wait(SECONDS)


@contextmanager
def working(base: Path, *, deaf: bool = False) -> Iterator[Work]:
    """A run under way; a deaf one hears no SIGTERM. It is killed in the end."""
    command = [sys.executable, "-c", _WORKING, str(base), "deaf" if deaf else "polite"]
    with started(*command, stdin=subprocess.PIPE, stderr=None) as process:
        assert process.stdout is not None
        yield Work(process, Path(process.stdout.readline().rstrip("\n")))


def killed_run(base: Path) -> Path:
    """The folder of a run whose process was killed: a copy of one, since each would take a second."""
    folder = base / f"{datetime.now():%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"
    shutil.copytree(_killed(), folder)
    return folder


@cache
def _killed() -> Path:
    base = Path(tempfile.mkdtemp(prefix="forkjoin-killed-"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    with working(base) as work:
        work.process.kill()
    return work.folder
