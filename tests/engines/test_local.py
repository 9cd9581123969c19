from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engines import UsageError, local_engine

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vllm is not installed"
)

PROGRAM = """
import multiprocessing
from engines import local_engine

local_engine()
child = multiprocessing.get_context("spawn").Process(target=print)
child.start()
child.join()
"""


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        input=text,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_file_without_a_main_guard_is_told_in_one_line(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = run(str(program))
    (line,) = done.stderr.splitlines()
    assert line.startswith("forkjoin: the engine's process imports your file and runs it again")
    assert '`if __name__ == "__main__":`' in line


def test_a_program_that_is_no_file_is_told() -> None:
    done = run("-", text=PROGRAM)
    assert done.stderr.splitlines()[-1].endswith(
        "the engine's process cannot import <stdin>: save the program to a file"
    )


@pytest.mark.parametrize("model", ["./nothing", "nothing", "a/b/c", "/"])
def test_a_model_that_cannot_be_is_refused_before_vllm_is_loaded(model: str) -> None:
    with pytest.raises(UsageError, match=r"no model|no folder|no Hugging Face model"):
        local_engine(model)
