"""The headline benchmark runs on a machine that has what forkjoin needs, and nothing that only developers have."""

from __future__ import annotations

from benchmarks.gpu.catalogue import PARTS
from tests.without_developers import run_without_developers

PROGRAM = """
import benchmarks.gpu.catalogue, benchmarks.gpu.command
heavy = {"torch", "vllm", "transformers"} & sys.modules.keys()
assert not heavy, f"imported before they are needed: {heavy}"
"""


def test_it_needs_nothing_that_only_developers_have() -> None:
    done = run_without_developers(PROGRAM)
    assert done.returncode == 0, done.stderr


def test_every_part_has_a_module_of_its_name() -> None:
    modules = {name: part.__module__ for name, part in PARTS.items()}
    assert modules == {name: f"benchmarks.gpu.parts.{name.replace('-', '_')}" for name in PARTS}
