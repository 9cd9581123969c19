from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("peft")

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
for name in {missing}:
    sys.modules[name] = None
import training.evaluation.command, training.ship_command, training.training_command
"""


def test_training_needs_nothing_that_only_developers_have() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [name.partition("[")[0] for name in project["dependency-groups"]["dev"]]
    # vLLM brings it.
    missing = [name.replace("-", "_") for name in packages if name != "openai"]
    assert "trio" in missing
    command = [sys.executable, "-c", PROGRAM.format(missing=missing)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
