from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from evals.evaluation.folder import write_sweep
from evals.report.report_file import MADE_BY
from orchestrator.runs.run_lock import RunLock
from tests.evals.report.made_up import small, write_folder
from tests.evals.report.parsed_page import ParsedPage
from tests.orchestrator.here import Here, run_here

here = run_here


def line_of(stderr: str) -> str:
    (line,) = stderr.splitlines()
    return line


def test_the_page_of_a_run_goes_into_its_folder(here: Here, tmp_path: Path) -> None:
    write_folder(small(tmp_path / "runs" / "a", system="chain"))
    done = here("report", "runs/a")
    assert (done.returncode, done.stdout) == (0, "")
    assert line_of(done.stderr) == "the report is runs/a/report.html"
    made = (tmp_path / "runs" / "a" / "report.html").read_text()
    assert ParsedPage.of(made).data["texts-0"][0] == {"text": "text of sums p-1 0"}
    assert not list(tmp_path.rglob("*.part"))
    # A report may be made again.
    assert here("report", "runs/a").returncode == 0
    assert (tmp_path / "runs" / "a" / "report.html").read_text() == made


def test_a_sweep_is_all_that_is_in_it_and_what_is_named_twice_is_one(
    here: Here, tmp_path: Path
) -> None:
    for name in ("b", "a"):
        write_folder(small(tmp_path / "sweep" / name, system=name))
    done = here("report", "sweep", "sweep/a")
    assert line_of(done.stderr) == "the report is report.html"
    made = ParsedPage.of((tmp_path / "report.html").read_text())
    assert made.data["index"]["systems"] == [
        {"letter": "A", "name": "a"},
        {"letter": "B", "name": "b"},
    ]


def test_markdown_and_json_are_printed_or_written(here: Here, tmp_path: Path) -> None:
    write_folder(small(tmp_path / "a", system="chain"))
    printed = here("report", "a", "--markdown")
    assert "# chain on sums" in printed.stdout
    assert not (tmp_path / "a" / "report.html").exists()
    (system,) = json.loads(here("report", "a", "--json").stdout)["systems"]
    assert system["figures"]["tasks"]["sums"]["samples"] == 4
    for form in ("--markdown", "--json"):
        for _ in range(2):
            assert here("report", "a", form, "-o", f"out{form}").returncode == 0
        assert MADE_BY in (tmp_path / f"out{form}").read_text()
    assert "<!DOCTYPE html>" in here("report", "a", "-o", "-").stdout


def test_what_is_no_report_is_left_as_it_is(here: Here, tmp_path: Path) -> None:
    write_folder(small(tmp_path / "a"))
    (tmp_path / "paper.html").write_text("<h1>mine</h1>")
    done = here("report", "a", "-o", "paper.html")
    assert done.returncode == 2
    assert "paper.html is no report of forkjoin's, and is left as it is" in line_of(done.stderr)
    assert (tmp_path / "paper.html").read_text() == "<h1>mine</h1>"


@pytest.mark.parametrize("place", ["missing/x.html", "a", "a/config.yaml/x.html"])
def test_a_place_that_cannot_be_written_is_told(here: Here, tmp_path: Path, place: str) -> None:
    write_folder(small(tmp_path / "a"))
    done = here("report", "a", "-o", place)
    assert done.returncode == 1
    assert "-o" in line_of(done.stderr)
    assert not list(tmp_path.rglob("*.html"))


def test_the_finished_are_reported_and_what_is_missing_is_told(here: Here, tmp_path: Path) -> None:
    ran = small(tmp_path / "sweep" / "done", system="done")
    write_folder(ran)
    write_folder(replace(ran, path=tmp_path / "sweep" / "ungraded", grades={}))
    write_folder(replace(ran, path=tmp_path / "sweep" / "early", samples={}, grades={}))
    write_sweep(tmp_path / "sweep", ["done", "ungraded", "early", "later"])
    done = here("report", "sweep", "--json")
    assert done.returncode == 0
    ungraded, early, later = done.stderr.splitlines()
    assert "sweep/ungraded is not graded: run forkjoin grade" in ungraded
    assert "sweep/early has no samples yet" in early
    assert "left out: sweep/later is not begun" in later
    report = json.loads(done.stdout)
    assert [one["figures"]["system"] for one in report["systems"]] == ["done"]
    assert len(report["left_out"]) == 3
    assert "sweep/later is not begun" in here("report", "sweep", "--markdown").stdout


def test_what_is_still_worked_on_says_by_whom(here: Here, tmp_path: Path) -> None:
    write_folder(replace(small(tmp_path / "a"), grades={}))
    lock = RunLock(tmp_path / "a")
    try:
        done = here("report", "a")
    finally:
        lock.release()
    assert f"is not graded, and process {os.getpid()} works on it" in line_of(done.stderr)


def test_what_cannot_be_reported_is_one_line_that_says_what_to_do(
    here: Here, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ran = small(tmp_path / "ungraded")
    write_folder(replace(ran, grades={}))
    write_folder(replace(ran, path=tmp_path / "early", samples={}, grades={}))
    newer = replace(ran, path=tmp_path / "newer", configuration={"schema_version": 99})
    write_folder(newer)
    for name, told in (
        ("nowhere", "there is no run folder nowhere"),
        ("empty", "empty is no evaluation"),
        ("newer", "newer"),
        ("ungraded", "is not graded: run forkjoin grade "),
        ("early", "has no samples yet: go on with it by forkjoin eval --resume "),
    ):
        done = here("report", name)
        assert done.returncode == 2, name
        assert told in line_of(done.stderr)
        assert done.stdout == ""
    assert not list(tmp_path.rglob("*.html"))
