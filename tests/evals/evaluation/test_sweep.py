from __future__ import annotations

from pathlib import Path

import pytest

from engines import UsageError
from evals.evaluation.sweep import read_sweep


def sweep_file(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


WHOLE = """
tasks: [aime25, gsm8k]
data: {gsm8k: mine.jsonl}
k: 4
width: 8
out: runs/votes
systems:
  - {name: one}
  - {name: vote of 8, method: self-consistency, set: {method.samples: 8, method.stop: never}, k: 1}
"""


def test_a_system_has_its_own_options_and_those_of_the_sweep(tmp_path: Path) -> None:
    sweep = read_sweep(sweep_file(tmp_path, WHOLE))
    one, vote = sweep.systems
    shared = {"tasks": ["aime25", "gsm8k"], "data": ["gsm8k=mine.jsonl"], "width": "8"}
    assert sweep.options(one) == {**shared, "k": 4, "tools": [], "set": []}
    assert sweep.options(vote) == {
        **shared,
        "k": 1,
        "method": "self-consistency",
        "tools": [],
        "set": ["method.samples=8", "method.stop=never"],
    }
    assert sweep.out == "runs/votes"


def test_the_file_of_one_task_needs_no_name(tmp_path: Path) -> None:
    sweep = read_sweep(sweep_file(tmp_path, ONE + "data: mine.jsonl\n"))
    assert sweep.options(sweep.systems[0])["data"] == ["mine.jsonl"]


ONE = "tasks: [a]\nsystems: [{name: a}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE + "taks: [b]\n", "taks: there is no such key"),
        ("tasks: [a]\nsystems: [{name: a}, {name: b, metod: x}]", r"systems\[1\].metod: there is no such key"),
        ("tasks: [a]\nsystems: [{method: x}]", r"systems\[0\].name: is missing"),
        ("tasks: [a]\nsystems: []", "systems: is empty: give at least one"),
        ("", "is empty: write what is measured: tasks and systems"),
        ("taks: [a]\nsystems: [{name: a}]", "taks: there is no such key: there are systems, .*; tasks: is missing"),
        ("tasks: a\nsystems: [{name: a}]", r"tasks: 'a' is not a list: write \[A, B\]"),
        (ONE + "k: many\n", "k: 'many' is not a whole number"),
        (ONE + "data: [a]\n", "data: give a file, or a file for each task"),
        ("systems: [{name: a}]", "tasks: is missing"),
        ("tasks: [a]\nsystems: [{name: a}, {name: a}]", "systems: 2 systems are called 'a'"),
        ("tasks: [a]\nsystems: [{name: ../a}]", r"systems\[0\].name: '../a' names a folder: use letters"),
        ("tasks: [a]\nsystems: [{name: a, k: 0}]", r"systems\[0\].k: 0 is too low: give 1 or more"),
        ("- a", "it holds no sweep"),
        ("a: [", "is no YAML"),
    ],
)  # fmt: skip
def test_what_is_no_sweep_is_refused_with_its_place(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_sweep(sweep_file(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "sweep.yaml" in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_sweep(tmp_path / "nothing.yaml")
