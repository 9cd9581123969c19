from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from orchestrator.command_line import GROUP
from reasoning import METHODS
from tests.meta.sources import ROOT, tracked_files
from tests.orchestrator.processes import in_process

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]

# Runs a file as a program, where a fake stands for the local engine.
PREAMBLE = """
import contextlib, runpy, sys
import engines

def script(context, sampling):
    replies = {
        "plan": "1. multiply(12, 7)\\n2. think('check it')\\njoin()",
        "plan/joiner-1": '{"action": "finish", "answer": 84}',
    }
    return replies.get(context.path, "\\\\boxed{84}")

class FakeLocalEngine(contextlib.AbstractContextManager, contextlib.AbstractAsyncContextManager):
    def __enter__(self):
        return engines.FakeEngine(script)
    def __exit__(self, *error):
        return None
    async def __aenter__(self):
        return engines.FakeEngine(script)
    async def __aexit__(self, *error):
        return None

engines.local_engine = FakeLocalEngine
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_python_block_of_the_readme_runs_and_prints_an_answer(
    number: int, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(BLOCKS[number], encoding="utf-8")
    done = in_process(sys.executable, "-c", PREAMBLE, str(program), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("84 ")


def test_the_readme_has_python_blocks() -> None:
    assert len(BLOCKS) >= 2


def helps() -> dict[str, str]:
    """What each command says of its arguments."""
    found = {}
    for entry in entry_points(group=GROUP):
        parser = argparse.ArgumentParser()
        entry.load().configure(parser)
        found[entry.name] = parser.format_help()
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_exists_with_its_options(document: Path) -> None:
    known = {name: set(re.findall(r"--[a-z-]+", told)) for name, told in helps().items()}
    text = document.read_text(encoding="utf-8")
    for command, rest in re.findall(r"(?:^|bin/|`)forkjoin ([a-z]+)(.*)$", text, re.MULTILINE):
        assert command in known
        used = set(re.findall(r"(?<![\w-])--[a-z-]+", rest.partition("`")[0].partition("#")[0]))
        assert used <= known[command]


def test_every_option_in_the_tables_of_the_readme_is_in_the_help() -> None:
    named = set(re.findall(r"^\| `(--[a-z-]+)`", README, re.MULTILINE))
    assert len(named) >= 4
    told = helps()["run"]
    assert [option for option in named if option not in told] == []


def test_every_name_in_the_tables_of_the_readme_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that no name goes over two lines.
    monkeypatch.setenv("COLUMNS", "1000")
    told = helps()["run"]
    for option in ("planner", "reducer"):
        (row,) = re.findall(rf"^\| `--{option}` \| (.*) \|$", README, re.MULTILINE)
        names = re.findall(r"`([a-z-]+)`", row)
        assert names
        assert [name for name in names if name not in told] == []


def test_the_readme_tells_of_every_method() -> None:
    table = README.partition("| `--method` | what it does |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)]
    assert sorted(names) == sorted(METHODS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "#", "mailto:")):
            assert (document.parent / target.partition("#")[0]).exists(), target


def test_every_make_target_in_a_document_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^ *|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
