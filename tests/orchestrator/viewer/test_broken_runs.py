"""What is lost of a run's folder is told, and the rest of it is shown."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.runs.run_folder import RunFolder
from orchestrator.viewer.run_picture import RunPicture
from tests.orchestrator.here import Here, run_here
from tests.orchestrator.viewer.viewed_runs import (
    killed_and_resumed_run,
    picture_of,
    plan_run,
)

here = run_here
NOISE = bytes(range(256)) * 16


def spoilt(place: Path, spoil: Callable[[Path], Any], name: str) -> Path:
    """A run of which a file is spoilt."""
    folder = Path(shutil.copytree(plan_run(), place / "runs" / "mine"))
    spoil(folder / name)
    return folder


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (Path.unlink, "events.jsonl is missing"),
        (lambda path: path.write_bytes(NOISE), "events.jsonl holds nothing that can be read"),
        (lambda path: path.write_bytes(b""), "events.jsonl holds nothing that can be read"),
    ],
    ids=["missing", "noise", "empty"],
)
def test_without_events_the_plan_is_drawn_and_the_loss_told(
    here: Here, tmp_path: Path, spoil: Callable[[Path], Any], told: str
) -> None:
    folder = spoilt(tmp_path, spoil, "events.jsonl")
    _, whole = picture_of(plan_run())
    _, data = picture_of(folder)
    assert data["run"]["note"].startswith(told)
    for kind in ("id", "state", "reason", "depends", "layer", "result"):
        assert [node[kind] for node in data["nodes"]] == [node[kind] for node in whole["nodes"]]
    for kind in ("nodes", "state", "answer", "remark", "usage", "critical_path"):
        assert data["run"][kind] == whole["run"][kind], kind
    done = here("view", "mine", "--export", "run.html")
    assert done.returncode == 0
    assert done.stderr.startswith(f"forkjoin: {told}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("plan", [b"", NOISE, b"[]", b'{"schema_version": 1, "nodes": 7}'])
def test_a_plan_that_cannot_be_read_either_draws_nothing(tmp_path: Path, plan: bytes) -> None:
    folder = spoilt(tmp_path, Path.unlink, "events.jsonl")
    for name in ("plan.json", "metrics.json"):
        (folder / name).write_bytes(plan)
    (folder / "samples.jsonl").write_bytes(NOISE)
    _, data = picture_of(folder)
    assert data["nodes"] == []
    assert "events.jsonl is missing" in data["run"]["note"]
    assert "samples.jsonl holds nothing that can be read" in data["run"]["note"]


def test_lines_of_events_that_are_lost_are_counted_but_for_those_of_a_kill(tmp_path: Path) -> None:
    _, killed = picture_of(killed_and_resumed_run())
    assert killed["run"]["note"] == ""

    def spoil(path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines[:5], b"\xff\x00\n", lines[5][:9] + b"\n", *lines[6:]]))

    _, data = picture_of(spoilt(tmp_path, spoil, "events.jsonl"))
    assert data["run"]["note"] == "2 of the lines of events.jsonl cannot be read"


def test_a_run_that_has_only_begun_lacks_nothing_yet(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {"question": "Why?"}) as folder:
        _, data = picture_of(folder.path)
    assert data["live"]
    assert "events" not in data["run"]["note"]


@pytest.mark.parametrize("spoil", ["torn", "noise"])
def test_a_torn_journal_takes_the_texts_and_nothing_else(
    here: Here, tmp_path: Path, spoil: str
) -> None:
    def tear(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(NOISE if spoil == "noise" else content[: len(content) // 2])

    folder = spoilt(tmp_path, tear, "journal.sqlite")
    picture, data = picture_of(folder)
    note = data["run"]["note"]
    assert note.startswith("the texts of calls cannot be shown: journal.sqlite cannot be read: ")
    assert "--journal-dir" not in note
    assert (len(data["nodes"]), picture.texts()["pieces"]) == (5, [])
    done = here("view", "mine", "--export", "run.html")
    assert (done.returncode, done.stderr) == (0, f"forkjoin: {note}\n")


def test_texts_that_are_found_to_be_torn_when_all_are_read_are_told(tmp_path: Path) -> None:
    picture = RunPicture(spoilt(tmp_path, lambda path: None, "journal.sqlite"))
    picture.look()
    (tmp_path / "runs" / "mine" / "journal.sqlite").write_bytes(NOISE)
    assert picture.texts()["pieces"] == []
    assert picture.note.startswith("the texts of calls cannot be shown")


def test_contexts_that_go_round_in_a_circle_are_left(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, lambda path: None, "journal.sqlite")
    picture, data = picture_of(folder)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE contexts SET parent = (SELECT max(id) FROM contexts)")
    for call in data["calls"]:
        text = picture.text(call["text"])
        assert text is not None
        assert len(text["turns"]) <= 2
    assert set(picture.texts()["texts"]) >= {call["text"] for call in data["calls"]}
    assert picture.search("think")["hits"]


def test_who_only_looks_leaves_no_file_behind(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, lambda path: None, "journal.sqlite")
    picture, data = picture_of(folder)
    picture.texts()
    assert picture.text(data["calls"][0]["text"])
    assert picture.search("think")["hits"]
    assert not [*folder.glob("*-wal"), *folder.glob("*-shm")]


@pytest.mark.parametrize(
    ("plan", "shown"), [(None, "llm-compiler"), ("plan.json", "GivenPlanner")], ids=["none", "plan"]
)
def test_the_planner_is_the_one_that_planned(tmp_path: Path, plan: str | None, shown: str) -> None:
    planner = "LLMCompiler()" if plan is None else "GivenPlanner(given=Plan(version=1))"
    command = {"planner": "llm-compiler", "plan": plan}
    with RunFolder.create(tmp_path, {"planner": planner, "command": command}) as folder:
        _, data = picture_of(folder.path)
    assert data["run"]["planner"] == shown


def test_a_configuration_that_is_lost_is_told(tmp_path: Path) -> None:
    _, data = picture_of(spoilt(tmp_path, Path.unlink, "config.yaml"))
    assert data["run"]["note"] == "config.yaml is missing, or empty"
