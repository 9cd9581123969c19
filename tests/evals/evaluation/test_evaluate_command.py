"""`forkjoin eval`, run in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evals.evaluation.reading import read_evaluation
from orchestrator.runs.run_lock import RunLock
from tests.orchestrator import here
from tests.orchestrator.here import Here

run_here = here.run_here

MINE = """
import pathlib
from engines import EngineError, FakeEngine
from evals import Task, Problem
from tests.evals.evaluation.making_samples import ExactGrader

def sums(seed, count):
    return [Problem(id=f"p{n}", problem=f"{n} + {seed}?", answer=str(n)) for n in range(count)]

SUMS = Task(name="sums", about="sums", grader=ExactGrader, generate=sums)
OTHER = Task(name="other", about="others", grader=ExactGrader, generate=sums)
READ = Task(name="read", about="from files", grader=ExactGrader)

def engine():
    pathlib.Path("opened").touch()
    return FakeEngine("\\\\boxed{0}")

def judge():
    pathlib.Path("judged").touch()
    return FakeEngine("yes")

def gone():
    return FakeEngine(lambda context, sampling: EngineError("gone"))
"""
ENGINE = ("--engine", "mine:engine", "--width", "4", "--attempts", "1")
SWEEP = """
tasks: [mine:SUMS]
engine: mine:engine
width: 4
limit: 3
k: 2
systems:
  - {name: one}
  - {name: vote, method: self-consistency, set: {method.samples: 3}, k: 1}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def test_figures_stand_on_stdout_and_all_else_on_stderr(run_here: Here, folder: Path) -> None:
    done = run_here(
        "eval", "mine:SUMS,mine:OTHER", *ENGINE, "-k", "2", "--limit", "3", "--out", "kept"
    )
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split()[:4] == ["task", "n", "k", "avg@k"]
    assert [row.split()[:4] for row in rows[:3]] == [
        ["sums", "3", "2", "33.3"],
        ["other", "3", "2", "33.3"],
        ["all", "6", "2", "33.3"],
    ]
    assert rows[-2:] == ["folder: kept", "next: forkjoin report kept"]
    assert "12 of 12 samples" in done.stderr
    assert set(read_evaluation(folder / "kept").problems) == {"sums", "other"}


def test_json_is_one_line_of_figures_with_the_folder(run_here: Here) -> None:
    done = run_here("eval", "mine:SUMS", *ENGINE, "--limit", "2", "--json")
    metrics = json.loads(done.stdout)
    assert metrics["tasks"]["sums"]["average"]["value"] == 0.5
    assert metrics["folder"].startswith("runs/")


def test_a_dry_run_shows_the_first_prompt_and_opens_no_engine(run_here: Here, folder: Path) -> None:
    done = run_here("eval", "mine:SUMS", *ENGINE, "-k", "2", "--limit", "3", "--dry-run")
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(None, 1) for line in done.stdout.splitlines() if line[:1].isalpha())
    assert facts["tasks"] == "sums: 3"
    assert facts["samples"] == "6"
    assert "<user>\n0 + 0?" in done.stdout
    assert not (folder / "opened").exists()
    assert not (folder / "runs").exists()
    planned = run_here(
        "eval",
        "mine:SUMS",
        "--planner",
        "llm-compiler",
        "--tools",
        "calculate",
        "--dry-run",
        "--json",
    )
    shown = json.loads(planned.stdout)
    assert shown["tools"] == ["calculate"]
    assert [turn["role"] for turn in shown["first_prompt"]][-1] == "assistant"
    assert "0 + 0?" in json.dumps(shown["first_prompt"])


def test_samples_that_failed_make_the_exit_code_and_a_resume_does_them_again(
    run_here: Here, folder: Path
) -> None:
    ask = ["eval", "mine:SUMS", "--limit", "3", "--attempts", "1", "--out", "runs/kept"]
    done = run_here(*ask, "--engine", "mine:gone")
    assert done.returncode == 1
    assert "3 of 3 samples are missing, since calls failed" in done.stderr
    assert done.stderr.splitlines()[-1] == "  3 failed: gone"
    assert "forkjoin eval --resume runs/kept" in done.stderr
    again = run_here("eval", "--resume", "kept", "--engine", "mine:engine", "-k", "2")
    assert again.returncode == 0, again.stderr
    assert len(read_evaluation(folder / "runs" / "kept").samples) == 6


def test_what_is_complete_needs_no_engine(run_here: Here, folder: Path) -> None:
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "2", "--out", "kept")
    (folder / "opened").unlink()
    done = run_here("eval", "--resume", "kept")
    assert done.returncode == 0, done.stderr
    assert not (folder / "opened").exists()


def test_a_budget_that_ran_out_says_how_to_go_on(run_here: Here) -> None:
    done = run_here(
        "eval", "mine:SUMS", *ENGINE, "--limit", "9", "--out", "kept", "--budget", "calls=4"
    )
    assert done.returncode == 1
    assert "5 of 9 samples are missing, since the budget ran out of calls" in done.stderr
    done = run_here("eval", "--resume", "kept", "--budget", "calls=100")
    assert done.returncode == 0, done.stderr


def test_a_sweep_goes_on_where_it_was_left(run_here: Here, folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP)
    done = run_here("eval", "sweep.yaml")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:4] for line in done.stdout.splitlines()[1:3]]
    assert rows == [["one", "sums", "3", "2"], ["vote", "sums", "3", "1"]]
    assert "next: forkjoin report runs/sweep" in done.stdout
    (folder / "opened").unlink()
    assert run_here("eval", "sweep.yaml").returncode == 0
    assert not (folder / "opened").exists()
    more = SWEEP + "  - {name: more, method: parathinker}\n"
    (folder / "sweep.yaml").write_text(more.replace("k: 2\n", "k: 3\n"))
    done = run_here("eval", "sweep.yaml", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["system"], one["k"]) for one in found] == [("one", 3), ("vote", 1), ("more", 3)]
    first = SWEEP.replace("systems:\n", "systems:\n  - {name: zero, k: 1}\n")
    (folder / "sweep.yaml").write_text(first.replace("k: 2\n", "k: 3\n", 1) + more[len(SWEEP) :])
    assert run_here("eval", "sweep.yaml").returncode == 0
    report = json.loads(run_here("report", "runs/sweep", "--json").stdout)
    systems = [one["figures"]["system"] for one in report["systems"]]
    assert systems == ["zero", "one", "vote", "more"]
    again = run_here("eval", "sweep.yaml", "--seed", "3")
    assert "--seed 3: runs/sweep/zero was begun with 0" in again.stderr
    (folder / "sweep.yaml").write_text(first.replace("limit: 3\n", "") + more[len(SWEEP) :])
    again = run_here("eval", "sweep.yaml")
    assert "--limit left out: runs/sweep/zero was begun with 3" in again.stderr


def test_a_sweep_mixes_with_no_other_evaluation(run_here: Here, folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP)
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "1", "--out", "kept/one")
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "1", "--out", "other/two")
    done = run_here("eval", "sweep.yaml", "--out", "kept/one")
    assert "kept/one is an evaluation, and no system of sweep.yaml" in done.stderr
    done = run_here("eval", "sweep.yaml", "--out", "other")
    assert "other/two is an evaluation, and no system of sweep.yaml" in done.stderr
    # A report is no evaluation.
    (folder / "new").mkdir()
    (folder / "new" / "report.html").touch()
    assert run_here("eval", "sweep.yaml", "--out", "new").returncode == 0


def test_a_judge_looks_at_what_the_rules_find_wrong(run_here: Here, folder: Path) -> None:
    ask = ("eval", "mine:SUMS", *ENGINE, "--limit", "4", "--out", "kept")
    done = run_here(*ask, "--judge", "mine:judge", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pooled"]["average"]["value"] == 1
    assert {grade.grader for grade in read_evaluation(folder / "kept").grades.values()} == {
        "exact+judge"
    }
    # Without one, and without an engine.
    (folder / "opened").unlink()
    done = run_here("eval", "--resume", "kept", "--json")
    assert (folder / "judged").exists()
    assert not (folder / "opened").exists()
    assert json.loads(done.stdout)["pooled"]["average"]["value"] == 1


def test_a_killed_beginning_is_gone_on_with_and_a_task_of_ones_own_is_found(
    run_here: Here, folder: Path
) -> None:
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "2", "--out", "kept")
    for file in (folder / "kept").iterdir():
        if file.name != "config.yaml":
            file.unlink()
    done = run_here("eval", "--resume", "kept")
    assert done.returncode == 0, done.stderr
    kept = read_evaluation(folder / "kept")
    assert len(kept.samples) == 2
    assert kept.places == {"sums": "mine:SUMS"}


def test_a_judge_has_a_model_of_its_own(run_here: Here) -> None:
    ask = ("eval", "mine:SUMS", *ENGINE, "--limit", "1", "--model", "m", "--dry-run", "--json")
    for judge, model in (
        (("--judge", "mine:engine"), "m"),
        (("--judge", "mine:judge"), None),
        (("--judge", "mine:engine", "--judge-model", "n"), "n"),
    ):
        assert json.loads(run_here(*ask, *judge).stdout)["judge_model"] == model


def test_problems_and_files_can_be_chosen(run_here: Here, folder: Path) -> None:
    rows = [{"id": str(n), "problem": f"{n}?", "answer": "0"} for n in range(4)]
    (folder / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run_here("eval", "mine:READ", *ENGINE, "--data", "own.jsonl", "--problems", "3,1", "--out", "a")
    assert [p.id for p in read_evaluation(folder / "a").problems["read"]] == ["1", "3"]
    both = ("mine:READ,mine:SUMS", *ENGINE, "--limit", "1", "--out", "b")
    done = run_here("eval", *both, "--data", "own.jsonl")
    assert "--data own.jsonl: of several tasks, say which: TASK=FILE" in done.stderr
    done = run_here("eval", *both, "--data", "read=own.jsonl")
    assert done.returncode == 0, done.stderr


def test_one_sample_of_few_problems_is_hinted_at(run_here: Here) -> None:
    done = run_here("eval", "mine:SUMS", *ENGINE, "--limit", "2")
    assert "hint: one sample of each of 2 problems leaves a wide interval" in done.stderr
    done = run_here("eval", "mine:SUMS", *ENGINE, "--limit", "2", "-k", "1")
    assert "hint" not in done.stderr


def test_the_tasks_that_have_names_are_listed(run_here: Here) -> None:
    done = run_here("eval", "--list")
    assert "aime25" in done.stdout
    assert done.stderr == ""
    rows = [json.loads(line) for line in run_here("eval", "--list", "--json").stdout.splitlines()]
    assert {row["task"]: row["dataset"] for row in rows}["gsm8k"] == "openai/gsm8k"


def test_rows_that_were_skipped_are_told_with_the_figures_and_in_every_report(
    run_here: Here, folder: Path
) -> None:
    row = json.dumps({"id": "1", "problem": "1?", "answer": "0"})
    (folder / "own.jsonl").write_text(f"{row}\n{{\n")
    ask = ("eval", "mine:READ", *ENGINE, "-k", "1", "--data", "own.jsonl", "--out", "kept")
    told = "1 row of own.jsonl was skipped (own.jsonl line 2"
    assert told in run_here(*ask).stdout
    assert told in run_here("eval", "--resume", "kept").stdout
    assert told in run_here("report", "kept", "--markdown").stdout
    assert told in run_here("report", "kept", "--json").stdout
    assert told in run_here("report", "kept", "-o", "-").stdout


def test_an_evaluation_is_no_run_to_resume(run_here: Here) -> None:
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "1", "--out", "runs/kept")
    done = run_here("resume", "kept")
    assert "is an evaluation: go on with it by forkjoin eval --resume" in done.stderr
    assert "mine" not in run_here("runs").stderr


REFUSED = [
    (("nothing",), "no task 'nothing'"),
    ((), "no task: write forkjoin eval TASK"),
    (("mine:SUMS,mine:SUMS",), "a task is named twice"),
    (("mine:SUMS", "-k", "0"), "-k 0: at least 1 sample"),
    (("mine:SUMS", "--limit", "0"), "--limit 0 leaves no problems"),
    (("mine:SUMS", "--problems", "px"), "no problem 'px'"),
    (("mine:SUMS,mine:OTHER", "--problems", "p1"), "works with one task, not 2"),
    (("mine:READ",), "read has no public dataset: give its problems with --data FILE"),
    (("mine:READ", "--data", "nothing.jsonl"), "nothing.jsonl"),
    (("mine:SUMS", "--method", "magic"), "there is no method 'magic'"),
    (("mine:SUMS", "--set", "method.magic=1"), "method.magic"),
    (("mine:SUMS", "--set", "planner.seed=1"), "no planner is asked"),
    (("mine:SUMS", "--tools", "calculate"), "only plans call tools"),
    (
        ("mine:SUMS", "--planner", "single", "--tools", "calculate"),
        "the planner single calls no tools",
    ),
    (("mine:SUMS", "--planner", "magic"), "there is no planner 'magic'"),
    (("mine:SUMS", "--engine", "magic"), "there is no engine 'magic'"),
    (("mine:SUMS", "--judge", "magic"), "there is no engine 'magic'"),
    (("mine:SUMS", "--judge-model", "m"), "give --judge too"),
    (("mine:SUMS", "--width", "none"), "--width none"),
    (("mine:SUMS", "--budget", "tokens"), "--budget tokens"),
    (("mine:SUMS", "--out", "full"), "the folder full is not empty: choose another with --out"),
    (("--resume", "nothing"), "--resume nothing: there is no such folder, nor an evaluation"),
    (("mine:SUMS", "--lim", "1"), "unrecognized arguments: --lim"),
    (("mine:SUMS", "--plan", "mine.yaml"), "unrecognized arguments: --plan"),
    (("--resume", "full"), "full is no evaluation and holds none"),
    (("--resume", "full", "--out", "other"), "--out and --resume name two folders"),
    (("nothing.yaml",), "nothing.yaml cannot be read"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line_before_an_engine_is_opened(
    arguments: tuple[str, ...], message: str, run_here: Here, folder: Path
) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "mine").touch()
    engine = () if {"--engine", "--resume"} & set(arguments) else ("--engine", "mine:engine")
    done = run_here("eval", *arguments, *engine)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert message in line
    assert done.stdout == ""
    assert not (folder / "opened").exists()
    assert not (folder / "runs").exists()


def test_what_a_resume_cannot_change_is_refused(run_here: Here) -> None:
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "1", "-k", "2", "--out", "kept")
    for option, message in (
        (("--method", "best-of-n"), "--method best-of-n: kept was begun with chain-of-thought"),
        (("--limit", "2"), "--limit 2: kept was begun with 1: go on with that, or begin a new one"),
        (("--model", "other"), "--model other: kept was begun without it, on fake: go on with"),
        (("--tools", "calculate"), "--tools calculate: kept was begun without it: go on with"),
        (("-k", "1"), "has 2 samples of each problem: -k may be higher, not 1"),
    ):
        done = run_here("eval", "--resume", "kept", *option)
        assert done.returncode == 2
        assert message in done.stderr
    done = run_here("eval", "mine:SUMS", *ENGINE, "--out", "kept")
    assert "the folder kept is not empty: go on with it by --resume kept, or" in done.stderr


def test_a_folder_that_cannot_be_written_is_told_before_an_engine_is_opened(
    run_here: Here, folder: Path
) -> None:
    done = run_here("eval", "mine:SUMS", *ENGINE, "--out", "mine.py")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "the run folder mine.py cannot be written: mine.py is a file; choose" in done.stderr
    done = run_here("eval", "mine:SUMS", *ENGINE, "--out", "new", "--journal-dir", "mine.py")
    assert "mine.py is a file; choose another with --journal-dir" in done.stderr
    assert not (folder / "opened").exists()
    assert not (folder / "new").exists()


def test_what_cannot_be_gone_on_with_is_refused_before_an_engine_is_opened(
    run_here: Here, folder: Path
) -> None:
    run_here("eval", "mine:SUMS", *ENGINE, "--limit", "1", "--out", "kept")
    (folder / "opened").unlink()
    lock = RunLock(folder / "kept")
    try:
        done = run_here("eval", "--resume", "kept", "-k", "2")
    finally:
        lock.release()
    assert done.returncode == 2
    assert f"process {os.getpid()} works on the run kept" in done.stderr
    (folder / "kept" / "journal.sqlite").unlink()
    done = run_here("eval", "--resume", "kept", "-k", "2")
    assert "the journal kept/journal.sqlite is not there" in done.stderr
    assert not (folder / "opened").exists()


def test_a_folder_of_a_newer_schema_is_refused(run_here: Here, folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "config.yaml").write_text("schema_version: 9\nkind: evaluation\n")
    done = run_here("eval", "--resume", "kept")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "was written by a newer forkjoin (schema 9" in done.stderr
