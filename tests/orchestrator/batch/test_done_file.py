"""Finished outputs, which are known again, and others, which are not taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator import here as commands_here
from tests.orchestrator.batch.lines import plain, read
from tests.orchestrator.here import Here

here = commands_here.run_here

OPTIONS = ("batch", "in.jsonl", "-o", "out.jsonl", "--engine", "mine:engine")
MINE = """
from engines import FakeEngine

def engine():
    return FakeEngine("ok")
"""


@pytest.fixture
def finished(tmp_path: Path, here: Here) -> Path:
    """The folder of a finished batch."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "in.jsonl").write_text(plain("a") + "\n" + plain("b", "") + "\n")
    assert here(*OPTIONS).returncode == 1
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("out*")}


def test_a_finished_batch_is_not_done_again(finished: Path, here: Here) -> None:
    before = contents(finished)
    done = here(*OPTIONS)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "out.jsonl is finished already by fake, nothing is done: --again begins anew\n"
    )
    assert contents(finished) == before


def refused(folder: Path, here: Here, *options: str) -> str:
    before = contents(folder)
    done = here(*OPTIONS, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert contents(folder) == before
    (line,) = done.stderr.splitlines()
    assert here(*OPTIONS, *options, "--again").returncode in (0, 1)
    assert here(*OPTIONS, *options).stdout.endswith("--again begins anew\n")
    return line


def test_another_input_is_not_taken_for_it(finished: Path, here: Here) -> None:
    (finished / "in.jsonl").write_text(plain("c") + "\n")
    assert "was begun with another input" in refused(finished, here)
    assert [row["id"] for row in read(finished / "out.jsonl")] == ["c"]
    assert not (finished / "out.errors.jsonl").exists()


def test_other_settings_are_not_taken_for_it(finished: Path, here: Here) -> None:
    line = refused(finished, here, "--max-tokens", "3")
    assert "was begun with --max-tokens 512, and this is 3" in line


def test_an_output_that_was_changed_is_not_taken_for_it(finished: Path, here: Here) -> None:
    with (finished / "out.jsonl").open("a") as file:
        file.write("mine\n")
    assert "out.jsonl is not as its batch has left it" in refused(finished, here)


@pytest.mark.parametrize("name", ["out.jsonl", "out.errors.jsonl"])
def test_a_file_of_another_origin_is_not_written_over(
    finished: Path, here: Here, name: str
) -> None:
    for path in finished.glob("out*"):
        path.unlink()
    (finished / name).write_text("mine\n")
    line = refused(finished, here)
    assert line.startswith(f"forkjoin: {name} is there, and out.jsonl.done, ")


def test_an_output_that_is_gone_is_made_anew(finished: Path, here: Here) -> None:
    (finished / "out.jsonl").unlink()
    done = here(*OPTIONS)
    assert done.stdout.startswith("1 of 2 rows answered")
