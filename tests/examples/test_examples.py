from __future__ import annotations

import random
import subprocess
import sys
from functools import partial

import pytest

from engines import Choice, Context, FakeEngine, Sampling
from evals.game24 import makes_24
from examples import game24
from orchestrator.tools.loading import load_tools
from tests.backends import run_virtually
from tests.meta.sources import ROOT

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")
WITH_TOOLS = [
    name
    for name in EXAMPLES
    if "\nTOOLS = " in (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
]

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
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_the_tools_of_an_example_can_be_loaded_and_are_described(name: str) -> None:
    tools = load_tools([f"examples.{name}:TOOLS"])
    assert tools
    assert all(tool.specification.description for tool in tools)


def test_there_are_examples() -> None:
    assert {"arithmetic", "game24"} <= {*EXAMPLES}
    assert "arithmetic" in WITH_TOOLS


def test_the_search_of_an_example_solves_a_puzzle_with_a_model_that_moves_at_random() -> None:
    def at_random(context: Context, sampling: Sampling) -> str:
        assert isinstance(sampling.constraint, Choice)
        return random.Random(sampling.seed).choice(sampling.constraint.options)

    answer = run_virtually(partial(game24.solve, "4 5 6 10", FakeEngine(at_random), width=32))
    assert answer.value is not None
    assert makes_24([4, 5, 6, 10], answer.value)
