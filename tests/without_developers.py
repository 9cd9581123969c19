"""Programs on a machine that has what forkjoin needs, and nothing that only developers have."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from tests.meta.sources import ROOT

_MISSING = """
import sys
for name in {missing}:
    sys.modules[name] = None
"""


def run_without_developers(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in which no package can be imported that is in the group `dev` alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [name.partition("[")[0] for name in project["dependency-groups"]["dev"]]
    # vLLM brings it.
    missing = [name.replace("-", "_") for name in packages if name != "openai"]
    assert "trio" in missing
    command = [sys.executable, "-c", _MISSING.format(missing=missing) + program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
