"""Batches in processes of their own that are killed at any row, and go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator import here
from tests.orchestrator.batch.lines import chat, plain
from tests.orchestrator.here import Here
from tests.orchestrator.processes import forkjoin

run_here = here.run_here

# Every process of a batch appends the prompts that it was asked; one of them ends itself at a call, if a file says so.
MINE = """
import os
from pathlib import Path
import anyio
from engines import FakeEngine

async def reply(context, sampling):
    text = context.turns[-2].text
    with open("asked", "a") as file:
        file.write(text + "\\n")
    if Path("deadly").exists() and Path("asked").read_text().count("\\n") == 25:
        os.kill(os.getpid(), int(Path("deadly").read_text()))
    for _ in range(len(text) % 5):
        await anyio.sleep(0)
    return f"{text} with {sampling.seed}"

def engine():
    return FakeEngine(reply)
"""
OPTIONS = ("batch", "in.jsonl", "--engine", "mine:engine", "--seed", "7", "--width", "4")
ROWS = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    lines = [
        chat(f"c{i}", f"{'x' * (i % 7)}{i}") if i % 2 else plain(i, f"{i}") for i in range(ROWS)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, "{", lines[0]]) + "\n")
    return tmp_path


def asked(folder: Path) -> list[str]:
    lines = (folder / "asked").read_text().splitlines()
    (folder / "asked").unlink()
    return lines


@pytest.mark.parametrize("signal", [9, 15])
def test_a_batch_that_was_stopped_goes_on_and_writes_the_same_bytes(
    folder: Path, run_here: Here, signal: int
) -> None:
    assert run_here(*OPTIONS, "-o", "whole.jsonl").returncode == 1
    assert len(asked(folder)) == ROWS

    (folder / "deadly").write_text(str(signal))
    stopped = forkjoin(*OPTIONS, "-o", "out.jsonl", folder=folder)
    (folder / "deadly").unlink()
    assert stopped.returncode == (-9 if signal == 9 else 130)
    assert ("rows are done: the same command goes on" in stopped.stderr) == (signal != 9)
    assert not (folder / "out.jsonl").exists()
    # The line that it was writing.
    with (folder / "out.jsonl.part").open("ab") as part:
        part.write(b'A 9 {"id": 8, "te')
    first = asked(folder)

    done = forkjoin(*OPTIONS, "-o", "out.jsonl", folder=folder)
    assert done.returncode == 1
    second = asked(folder)
    # No more than what was at work when it ended is asked again.
    assert len(set(first) & set(second)) <= 4
    assert set(first) | set(second) == set(map(str, first + second))
    assert len(first) + len(second) <= ROWS + 4
    for kind in ("", ".errors"):
        whole, out = (folder / f"{name}{kind}.jsonl" for name in ("whole", "out"))
        assert out.read_bytes() == whole.read_bytes()
    assert not (folder / "out.jsonl.part").exists()
