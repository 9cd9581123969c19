from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.orchestrator.processes import forkjoin, without_vllm

INSTALL = [
    "    make install                      # in a clone, for a CPU: vLLM and the embedded model",
    "    uv pip install 'forkjoin[gpu]'    # on a machine with a GPU; choose a model with --model",
]


@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")
def test_everything_there_is_listed_with_its_version(tmp_path: Path) -> None:
    done = forkjoin("doctor", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("forkjoin", "anyio", "httpx", "pydantic", "networkx", "math-verify", "rich"):
        assert f"✓ {name:<16} {version(name)}\n" in done.stdout
    assert "✓ vllm" in done.stdout
    assert "✓ embedded model" in done.stdout
    assert "✗" not in done.stdout
    assert "The local engine would run SmolLM2-135M-Instruct on vLLM" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_comes_with_the_line_that_installs_it(tmp_path: Path) -> None:
    done = without_vllm("doctor", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"✗ {'vllm':<16} not installed\n" in done.stdout
    assert f"✗ {'embedded model':<16} not installed\n" in done.stdout
    assert "✓ httpx" in done.stdout
    told = done.stdout.partition("a server can be used with --engine URL. To install it:\n")[2]
    assert told.splitlines() == INSTALL
