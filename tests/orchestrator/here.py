"""The command line run in this process, where a process of its own would show nothing more and take longer.

A test module takes the fixture by `here = run_here`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.command_line import main


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Done]


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Here:
    """Runs `forkjoin` in the temporary folder, whose modules are imported anew each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    # The command line puts the current folder in front.
    monkeypatch.setattr(sys, "path", sys.path[:])

    def run(*arguments: str) -> Done:
        capfd.readouterr()
        importlib.invalidate_caches()
        before = set(sys.modules)
        try:
            code = main(arguments)
        except SystemExit as end:
            # As argparse ends, with a number.
            code = int(end.code or 0)
        finally:
            for name in set(sys.modules) - before:
                if Path(getattr(sys.modules[name], "__file__", None) or "").parent == tmp_path:
                    del sys.modules[name]
        return Done(code, *capfd.readouterr())

    return run
