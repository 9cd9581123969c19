from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engines import Choice, Context, FakeEngine, Sampling
from evals.evaluation.folder import SampleFile, write_grades, write_problems
from evals.evaluation.reading import read_evaluation
from evals.evaluation.rows import Grade
from evals.problem import Problem
from orchestrator.command_line import main
from orchestrator.runs.run_lock import RunLock
from tests.evals.grading.made_up import sample_of

TASK = "arithmetic"
PROBLEM = Problem(id="p", problem="How much?", answer="42")


def judging() -> FakeEngine:
    """The engine of `--judge`: whatever says cats is right."""

    def script(context: Context, sampling: Sampling) -> str:
        assert isinstance(sampling.constraint, Choice)
        return "yes" if "of cats" in context.turns[-2].text else "no"

    return FakeEngine(script)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An evaluation of four samples, of which three have a grade that is now another."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.yaml").write_text("schema_version: 1\nkind: evaluation\nk: 4\nsystem: me\n")
    write_problems(folder, {TASK: [PROBLEM]})
    texts = [r"\boxed{42}", r"\boxed{41}", r"\boxed{a number of cats}", "It is 42 I think so"]
    with SampleFile(folder) as file:
        for number, text in enumerate(texts):
            file.append(sample_of(text, number, task=TASK))
    write_grades(folder, [grade(0, correct=False), grade(1, correct=True), grade(2, correct=False)])
    return folder


def grade(number: int, *, correct: bool) -> Grade:
    return Grade(
        task=TASK, problem="p", sample=number, extracted="?", correct=correct, grader="old", version="0"
    )  # fmt: skip


def numbers_in(table: str) -> list[str]:
    return table.splitlines()[1].split()[2:]


def test_verdicts_are_counted_by_how_they_changed(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (run / "samples.jsonl").read_bytes()
    assert main(["grade", str(run)]) == 0
    # Four samples, two right; one became right, one wrong, one was never graded; nothing was cut or missed.
    assert numbers_in(capfd.readouterr().out)[:5] == ["4", "2", "1", "1", "1"]
    assert (run / "samples.jsonl").read_bytes() == before
    grades = list(read_evaluation(run).grades.values())
    assert [one.correct for one in grades] == [True, False, False, True]
    assert [one.vote for one in grades] == [0, 1, 2, 0]
    assert {one.grader for one in grades} == {"math"}
    assert json.loads((run / "metrics.json").read_text())
    assert main(["grade", str(run)]) == 0
    assert numbers_in(capfd.readouterr().out)[2:5] == ["0", "0", "0"]


def test_a_judge_is_asked_about_what_is_wrong(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = "tests.evals.grading.test_grade_command:judging"
    assert main(["grade", str(run), "--judge", place]) == 0
    grades = list(read_evaluation(run).grades.values())
    assert [one.correct for one in grades] == [True, False, True, True]
    assert {one.grader for one in grades} == {"math+judge"}


def test_a_folder_of_evaluations_is_graded_whole(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.rename(run, run.with_name("first"))
    os.mkdir(run)
    os.rename(run.with_name("first"), run / "first")
    assert main(["grade", str(run)]) == 0
    assert capfd.readouterr().out.splitlines()[1].startswith("first")


def test_what_is_no_evaluation_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        assert main(["grade", str(folder)]) != 0
        told = capfd.readouterr().err
        assert str(folder) in told
        assert len(told.splitlines()) == 1


def test_a_task_that_nobody_knows_is_refused_and_nothing_is_written(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_problems(run, {"mine": [PROBLEM]})
    before = (run / "grades.jsonl").read_bytes()
    assert main(["grade", str(run)]) == 2
    assert "no task 'mine'" in capfd.readouterr().err
    assert (run / "grades.jsonl").read_bytes() == before


def test_an_evaluation_that_still_runs_is_refused(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lock = RunLock(run)
    try:
        assert main(["grade", str(run)]) != 0
    finally:
        lock.release()
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "options", [["--judge", "nothing"], ["--model", "m"], ["--task", "nothing"]]
)
def test_options_that_make_no_sense_are_refused(
    run: Path, options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = (run / "grades.jsonl").read_bytes()
    assert main(["grade", str(run), *options]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert (run / "grades.jsonl").read_bytes() == before
