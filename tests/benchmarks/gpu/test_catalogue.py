"""The headline benchmark runs on a machine that has what forkjoin needs, and nothing that only developers have."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from benchmarks.gpu.catalogue import PARTS
from tests.meta.sources import ROOT

PROGRAM = """
import sys
for name in {missing}:
    sys.modules[name] = None
import benchmarks.gpu.catalogue, benchmarks.gpu.command
heavy = {{"torch", "vllm", "transformers"}} & sys.modules.keys()
assert not heavy, f"imported before they are needed: {{heavy}}"
"""


def test_it_needs_nothing_that_only_developers_have() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [name.partition("[")[0] for name in project["dependency-groups"]["dev"]]
    # vLLM brings it.
    missing = [name.replace("-", "_") for name in packages if name != "openai"]
    assert "trio" in missing
    command = [sys.executable, "-c", PROGRAM.format(missing=missing)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_part_has_a_module_of_its_name() -> None:
    modules = {name: part.__module__ for name, part in PARTS.items()}
    assert modules == {name: f"benchmarks.gpu.parts.{name.replace('-', '_')}" for name in PARTS}
