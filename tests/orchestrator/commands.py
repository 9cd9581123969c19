"""What the tests of `forkjoin run` have in common: a folder with tools, a server, plans in files.

A test module takes the fixtures by `folder = commands.folder` and `server = commands.server`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines import Context, FakeEngine, Sampling
from planners import Call, Plan, Reduce, Think
from tests.engines.servers import chat_app, serving
from tests.orchestrator.here import Done

TOOLS = '''
import pathlib
from orchestrator import tool

pathlib.Path("imported").touch()

@tool
def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    pathlib.Path("called").touch()
    return a * b

@tool
def breaks() -> None:
    """Raises."""
    raise ValueError("two\\nlines")

def untyped(a):
    return a

number = 12
TOOLS = [multiply, breaks]
'''
PLAN_TEXT = "1. multiply(12, 7)\n2. think('how many more?')\njoin()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tools, as people have them, where commands run."""
    (tmp_path / "mine.py").write_text(TOOLS)
    (tmp_path / "broken.py").write_text("raise ValueError('two\\nlines')")
    (tmp_path / "script.py").write_text("raise SystemExit(0)")
    return tmp_path


def reply(context: Context, sampling: Sampling) -> str:
    if context.turns[0].role != "system":
        return "It is \\boxed{122}."
    is_plan = len(context.turns) < 4
    return PLAN_TEXT if is_plan else '{"action": "finish", "answer": 122}'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(chat_app(FakeEngine(reply, text_only=True))) as url:
        yield f"{url}/v1"


def plan_file(folder: Path, *nodes: Call | Think | Reduce) -> str:
    (folder / "plan.json").write_text(Plan(nodes=nodes).to_json())
    return "plan.json"


def assert_refused(
    done: Done | subprocess.CompletedProcess[str], folder: Path, message: str, exit_code: int = 2
) -> None:
    """One line says what is wrong, and nothing is left behind."""
    (line,) = done.stderr.splitlines()
    assert re.match(rf"forkjoin( run)?: .*{message}", line), done.stderr
    assert done.returncode == exit_code
    assert done.stdout == ""
    assert not (folder / "runs").exists()
