from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.tools.loading import load_tools
from tests.meta.sources import ROOT

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")

# What a module may not do while it is imported.
IMPORT = """
import sys, threading
before = set(threading.enumerate())
import examples.{name} as example
assert set(threading.enumerate()) == before
assert not {{"torch", "vllm", "transformers"}} & set(sys.modules)
assert example.__doc__
assert callable(example.main)
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_imported_without_doing_anything(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(name=name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_tools_of_an_example_can_be_loaded_and_are_described(name: str) -> None:
    tools = load_tools([f"examples.{name}:TOOLS"])
    assert tools
    assert all(tool.specification.description for tool in tools)


def test_there_are_examples() -> None:
    assert "arithmetic" in EXAMPLES
