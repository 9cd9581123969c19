from __future__ import annotations

import json
from pathlib import Path

from orchestrator.runs.run_folder import RunFolder
from tests.orchestrator.here import Here, run_here
from tests.orchestrator.working import killed_run, working

here = run_here


def test_runs_are_listed_with_the_newest_first(tmp_path: Path, here: Here) -> None:
    base = tmp_path / "runs"
    killed = killed_run(base)
    (base / "notes").mkdir()
    (base / "file").touch()
    with working(base) as ended:
        ended.end()
    with working(base) as work:
        done = here("runs")
        listed = json.loads(here("runs", "--json").stdout)
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    assert head == ["run", "state", "age", "worked", "nodes", "tokens", "question"]
    folders = [work.folder, ended.folder, killed]
    assert [row[:2] for row in rows] == [
        [folder.name, state]
        for folder, state in zip(folders, ["running", "ok", "interrupted"], strict=True)
    ]
    assert rows[0][-6:] == ["2/4", "11", "How", "many", "\N{REPLACEMENT CHARACTER}[2J", "apples?"]
    assert rows[1][-6] == "3/4"
    assert [entry["name"] for entry in listed] == [folder.name for folder in folders]
    assert listed[0]["question"] == "How many \x1b[2J apples?"


def test_a_long_question_is_cut_to_the_width(tmp_path: Path, here: Here) -> None:
    RunFolder.create(tmp_path / "runs", {"question": "so " * 200}).close()
    done = here("runs")
    (row,) = done.stdout.splitlines()[1:]
    # As wide as the tests' terminal.
    assert len(row) == 200
    assert row.endswith("so…") or row.endswith("s…") or row.endswith(" …")


def test_a_run_of_a_newer_version_is_named_and_does_not_hide_the_others(
    tmp_path: Path, here: Here
) -> None:
    base = tmp_path / "runs"
    RunFolder.create(base, {"question": "old"}).close()
    newer = base / "20990101-000000-abcdef"
    newer.mkdir()
    (newer / "config.yaml").write_text("schema_version: 99\nquestion: new\n")
    done = here("runs")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    (line,) = done.stderr.splitlines()
    assert "was written by a newer forkjoin (schema 99, this one reads up to 1)" in line
    refused = here("status", newer.name)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines() == [f"forkjoin: {line}"]


def test_no_runs_are_an_empty_list(tmp_path: Path, here: Here) -> None:
    done = here("runs")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "there are no runs in runs\n")
    assert json.loads(here("runs", "--json").stdout) == []


def test_a_question_does_not_turn_the_direction_of_writing(tmp_path: Path, here: Here) -> None:
    RunFolder.create(tmp_path / "runs", {"question": "so \u202e\u2066what\u200b?"}).close()
    (row,) = here("runs").stdout.splitlines()[1:]
    assert row.endswith("so \ufffd\ufffdwhat\ufffd?")
    shown = here("run", "so \u202ewhat?", "--planner", "single", "--dry-run").stdout
    assert "so \ufffdwhat?" in shown
    assert "\u202e" not in shown
