"""`forkjoin run --dry-run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planners import Call, Think
from tests.orchestrator import commands, here
from tests.orchestrator.commands import assert_refused, plan_file
from tests.orchestrator.here import Here
from tests.orchestrator.processes import FORKJOIN, in_process, without_vllm

run_here = here.run_here
folder = commands.folder


def test_a_dry_run_shows_the_first_prompt_calls_no_tools_and_writes_nothing(folder: Path) -> None:
    done = without_vllm("run", "How many?", "--tools", "mine:TOOLS", "--dry-run", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tools        multiply(a: number, b: number), breaks()\n" in done.stdout
    prompt = done.stdout.partition("first prompt\n")[2]
    assert prompt.startswith("<system>\nYou split a question")
    assert "multiply(a: number, b: number): Multiplies two numbers." in prompt
    assert "<user>\nQuestion: How many?\n" in prompt
    assert (folder / "imported").exists()
    assert not (folder / "called").exists()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["How many?", "--tools", "mine:multiply", "mine:breaks"],
        ["--tools", "mine:multiply", "mine:breaks", "How many?"],
        ["--tools", "mine:multiply", "--tools", "mine:breaks", "How many?"],
    ],
)
def test_tools_and_question_come_in_any_order(
    run_here: Here, folder: Path, arguments: list[str]
) -> None:
    done = run_here("run", *arguments, "--dry-run", "--json")
    shown = json.loads(done.stdout)
    assert shown["question"] == "How many?"
    assert shown["tools"] == ["multiply(a: number, b: number)", "breaks()"]


def test_a_reader_that_goes_away_is_no_traceback(folder: Path) -> None:
    piped = f"'{FORKJOIN}' run 'How?' --dry-run | true"
    assert in_process("sh", "-c", piped, folder=folder).stderr == ""


def test_a_dry_run_calls_no_tools_of_a_plan_file_either(run_here: Here, folder: Path) -> None:
    arguments = Call(id="1", tool="multiply", arguments={"a": 12, "b": 7})
    plan = plan_file(folder, arguments, Think(id="2", prompt="Look."))
    options = ["--tools", "mine:TOOLS", "--plan", plan, "--dry-run"]
    done = run_here("run", "How many?", *options)
    assert done.returncode == 0
    assert "Your part of the work: Look." in done.stdout
    assert not (folder / "called").exists()


def test_a_dry_run_as_json_is_one_object(run_here: Here, folder: Path) -> None:
    done = run_here("run", "How?", "--planner", "single", "--dry-run", "--json")
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    assert (shown["planner"], shown["reducer"], shown["seed"]) == ("single", None, None)
    assert [turn["role"] for turn in shown["first_prompt"]] == ["user", "assistant"]
    assert shown["first_prompt"][0]["text"].startswith("How?")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["q", "--engine", "nonsense"], "there is no engine 'nonsense'"),
        (["q", "--method", "guess"], "there is no method 'guess'"),
        (["\udcff"], "the question is no text"),
    ],
)
def test_a_dry_run_refuses_what_a_run_would_refuse(
    run_here: Here, folder: Path, arguments: list[str], message: str
) -> None:
    done = run_here("run", *arguments, "--dry-run")
    assert_refused(done, folder, message)
