"""The tasks read what they are given: real data where it is there, and rows as public datasets have them."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engines import UsageError
from evals import Problem, Task
from evals.game24 import value_of
from evals.grading.calls_grader import CallsGrader
from evals.tasks.catalogue import TASKS, task_named
from evals.tasks.loading import Loaded, load
from tests.backends import run_virtually

DATA = Path(__file__).parents[4] / "shared/data"
FILES = [
    ("aime24", "aime_2024", 30),
    ("aime24", "aime_1983_2023", 975),
    ("aime25", "aime_2025", 30),
    ("math500", "math500", 500),
    ("gsm8k", "gsm8k_test", 1319),
    ("amc23", "amc23", 40),
    ("olympiadbench", "olympiadbench_en_comp", 674),
    ("minerva", "minerva_math", 272),
    ("game24", "game24", 1362),
    ("countdown", "countdown3_test", 256),
    ("parallelqa", "llmcompiler_parallelqa", 113),
    ("hotpotqa", "llmcompiler_hotpotqa_comparison", 1487),
    ("bfcl_parallel", "bfcl_parallel", 200),
    ("bfcl_parallel", "bfcl_parallel_multiple", 200),
    ("bfcl_parallel", "bfcl_exec_parallel", 50),
    ("bfcl_parallel", "bfcl_exec_parallel_multiple", 40),
]
CHOICES = {
    "Question": "Which is even?",
    "Correct Answer": "two\n",
    "Incorrect Answer 1": "one",
    "Incorrect Answer 2": "three",
    "Incorrect Answer 3": "five",
}


def read(task: str, row: dict[str, Any], number: int = 0) -> Problem:
    problem = TASKS[task].read(row, number)
    assert problem is not None
    return problem


def loaded(task: str, file: str) -> Loaded:
    path = DATA / f"{file}.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return run_virtually(partial(load, TASKS[task], data=path, seed=0, limit=None))


@pytest.mark.parametrize(("task", "file", "count"), FILES)
def test_every_row_of_real_data_is_a_problem_that_can_be_put(
    task: str, file: str, count: int
) -> None:
    found = loaded(task, file)
    assert (len(found.problems), found.skipped) == (count, ())
    lines = (DATA / f"{file}.jsonl").read_text(encoding="utf-8").strip().split("\n")
    rows = [json.loads(line) for line in lines]
    for row, problem in zip(rows, found.problems, strict=True):
        assert (problem.id, problem.problem) == (row["id"], row["problem"].strip())
        if isinstance(row["answer"], str):
            assert problem.answer == row["answer"]
        if task not in ("game24", "countdown"):
            assert problem.problem in TASKS[task].asked(problem)
        json.dumps(problem.data, allow_nan=False)


def test_real_puzzles_are_put_with_their_numbers_and_target() -> None:
    found = loaded("countdown", "countdown3_test")
    for problem in found.problems:
        numbers = ", ".join(map(str, problem.data["numbers"]))
        asked = TASKS["countdown"].asked(problem)
        assert f"Make {problem.data['target']} of the numbers {numbers}:" in asked
        assert value_of(problem.answer) == problem.data["target"]


def test_real_olympiads_say_how_their_answers_compare() -> None:
    found = loaded("olympiadbench", "olympiadbench_en_comp")
    assert sum(problem.data.get("unordered", False) for problem in found.problems) == 93
    tolerances = {
        problem.id: problem.data["tolerance"]
        for problem in found.problems
        if "tolerance" in problem.data
    }
    assert tolerances == {"olympiadbench-2592": 0.1}


def test_real_calls_are_right_as_they_are_shown() -> None:
    async def right() -> list[bool]:
        return [await CallsGrader().correct(problem, problem.answer) for problem in problems]

    problems = loaded("bfcl_parallel", "bfcl_parallel").problems
    assert all(run_virtually(right))


def test_numbers_that_were_computed_are_right_where_they_are_near() -> None:
    async def right(answer: str) -> bool:
        problem = read("minerva", {"question": "x?", "answer": "8.490e-4"})
        return await TASKS["minerva"].grader().correct(problem, answer)

    assert run_virtually(partial(right, "0.00084905"))
    assert not run_virtually(partial(right, "0.000846"))


def test_further_right_answers_are_kept() -> None:
    found = loaded("aime24", "aime_1983_2023")
    assert [(p.id, p.answer, p.also) for p in found.problems if p.also] == [
        ("aime2022-II-08", "80", ("81",))
    ]


@pytest.mark.parametrize(
    ("task", "row", "number", "expected"),
    [
        (
            "aime24",
            {
                "id": 60,
                "problem": "x?",
                "answer": "025",
                "url": "https://artofproblemsolving.com/wiki/index.php/2024_AIME_II_Problems/Problem_4",
            },
            3,
            ("aime2024-II-04", "25"),
        ),
        ("aime25", {"problem_idx": 15, "problem": "x?", "answer": 7}, 0, ("aime2025-I-15", "7")),
        ("aime26", {"problem_idx": 16, "problem": "x?", "answer": 7}, 0, ("aime2026-II-01", "7")),
        (
            "amc23",
            {
                "id": 3,
                "question": "x?",
                "answer": 27.0,
                "url": "https://artofproblemsolving.com/wiki/index.php/2023_AMC_12B_Problems/Problem_2",
            },
            9,
            ("amc23-12B-02", "27"),
        ),
        (
            "hmmt_feb_2025",
            {"problem_idx": 5, "problem": "x?", "answer": "\\sqrt{2}"},
            0,
            ("hmmt_feb_2025-05", "\\sqrt{2}"),
        ),
        (
            "math500",
            {"problem": "x?", "answer": "1", "unique_id": "test/number_theory/57.json"},
            0,
            ("math500-number_theory-57", "1"),
        ),
        (
            "gsm8k",
            {"question": "x?", "answer": "So 3 * 400 = <<3*400=1200>>1200\n#### 1,200"},
            12,
            ("gsm8k-test-0012", "1200"),
        ),
        ("minerva", {"question": "x?", "answer": "1.6"}, 2, ("minerva-002", "1.6")),
        (
            "olympiadbench",
            {"id": 1606, "question": "x?", "final_answer": ["$5,-2$"], "image_1": object()},
            0,
            ("olympiadbench-1606", "5,-2"),
        ),
        ("game24", {"Rank": 7, "Puzzles": "1 2 3 4"}, 0, ("game24-0007", "24")),
        ("countdown", {"nums": [3, 5, 8], "target": 16}, 4, ("countdown-000004", "16")),
        (
            "hotpotqa",
            {"id": "5a", "question": "x?", "answer": "yes", "type": "comparison", "context": {}},
            0,
            ("llmcompiler_hotpotqa_comparison-5a", "yes"),
        ),
        (
            "parallelqa",
            {"id": "4", "question": "x?", "answer": 7.61, "branch": 2},
            0,
            ("llmcompiler_parallelqa-4", "7.61"),
        ),
        (
            "bfcl_parallel",
            {
                "id": "parallel_0",
                "question": [[{"role": "user", "content": "Play it."}]],
                "function": [{"name": "play"}],
                "ground_truth": [{"play": {"artist": ["Muse"], "minutes": [20], "loud": ["", 1]}}],
            },
            0,
            ("bfcl-parallel_0", "[play(artist='Muse', minutes=20)]"),
        ),
        (
            "bfcl_parallel",
            {
                "id": "parallel_1",
                "question": [[{"role": "user", "content": "Play it."}]],
                "function": [{"name": "play"}],
                "ground_truth": [
                    {
                        "play": {
                            "how": [{"loud": [2, 3], "twice": [True, ""]}],
                            "of": [[{"a": ["b"]}]],
                        }
                    }
                ],
            },
            1,
            ("bfcl-parallel_1", "[play(how={'loud': 2}, of=[{'a': 'b'}])]"),
        ),
    ],
)
def test_rows_as_public_datasets_have_them_are_read_with_the_ids_of_files(
    task: str, row: dict[str, Any], number: int, expected: tuple[str, str]
) -> None:
    problem = read(task, row, number)
    assert (problem.id, problem.answer) == expected
    assert problem.problem in TASKS[task].asked(problem) or task in ("game24", "countdown")


def test_a_question_of_another_kind_is_no_problem_of_the_task() -> None:
    row = {"id": "5a", "question": "x?", "answer": "yes", "type": "bridge"}
    assert TASKS["hotpotqa"].read(row, 0) is None


def test_choices_are_lettered_in_an_order_that_the_id_says() -> None:
    problems = [
        read("gpqa_diamond", {**CHOICES, "Record ID": f"rec{number}"}) for number in range(200)
    ]
    assert problems == [
        read("gpqa_diamond", {**CHOICES, "Record ID": f"rec{number}"}) for number in range(200)
    ]
    for problem in problems:
        assert problem.data["choices"]["ABCD".index(problem.answer)] == "two"
        assert f"\n{problem.answer}. two\n" in TASKS["gpqa_diamond"].asked(problem) + "\n"
    right = [problem.answer for problem in problems]
    assert all(30 < right.count(letter) < 70 for letter in "ABCD")


def test_choices_of_a_file_have_their_letter() -> None:
    row = {"id": "a", "problem": "Even?", "answer": "b", "choices": ["1", "2"]}
    problem = read("gpqa_diamond", row)
    assert problem.answer == "B"
    assert "A. 1\nB. 2\n" in TASKS["gpqa_diamond"].asked(problem)
    with pytest.raises(ValueError, match="is the letter of none of the choices"):
        read("gpqa_diamond", {**row, "answer": "c"})


@pytest.mark.parametrize(
    ("task", "row", "error"),
    [
        ("aime25", {"problem": "x?", "answer": "1/2"}, "'1/2' is no integer from 0 to 999"),
        ("aime25", {"problem": "x?", "answer": "1000"}, "is no integer from 0 to 999"),
        ("aime25", {"problem": "x?"}, "'answer'"),
        ("math500", {"problem": "x?", "answer": ["1", "2"]}, "is no text or number"),
        ("math500", {"problem": "", "answer": "1"}, "problem: is empty"),
        ("math500", {"id": [], "problem": "x?", "answer": "1"}, "id: "),
        ("custom", {"problem": "x?", "answer": "1", "tolerance": "1 %"}, "'1 %' is no number"),
        ("game24", {"problem": "1 2 x 4"}, "is no whole number"),
        ("game24", {"numbers": [4.5, 4]}, "is no whole number"),
        ("game24", {"numbers": [24]}, "are fewer than two"),
        ("countdown", {"nums": [1, 2]}, "'target'"),
        ("bfcl_parallel", {"problem": "x?", "functions": [{}], "answer": []}, "is no list"),
        ("bfcl_parallel", {"problem": "x?", "functions": [{}], "answer": [3]}, "3 is no call"),
        (
            "bfcl_parallel",
            {"problem": "x?", "functions": [{}], "answer": [{"f": {"a": 3}}]},
            "the call of f has no list of values",
        ),
        (
            "bfcl_parallel",
            {"question": [["x?"]], "function": [{}], "ground_truth": ["f()"]},
            "question: has no turns with content",
        ),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(task: str, row: dict[str, Any], error: str) -> None:
    with pytest.raises((KeyError, ValueError), match=error):
        read(task, row)


def test_all_tasks_have_names_a_line_about_them_and_a_grader() -> None:
    for name, task in TASKS.items():
        assert task.name == name
        assert task.about
        assert "\n" not in task.about
        assert task.grader().name
    revisions = {task.dataset.revision for task in TASKS.values() if task.dataset}
    assert all(revision is None or len(revision) == 40 for revision in revisions)


def test_the_braces_of_a_problem_and_of_the_prompt_are_left_alone() -> None:
    problem = Problem(id="1", problem="What is {functions} {x}?", answer="1")
    assert TASKS["math500"].asked(problem).startswith("What is {functions} {x}?\n\nThink")
    assert TASKS["math500"].asked(problem).endswith("within \\boxed{}.")


def test_an_unknown_task_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"no task 'aime': choose one of aime24, aime25, .*MODULE"):
        task_named("aime")


MINE = Task(name="mine", about="my own", grader=TASKS["custom"].grader)


def my_task() -> Task:
    return MINE


def needs_a_seed(seed: int) -> Task:
    return MINE


def test_a_task_of_ones_own_is_named_by_its_place() -> None:
    assert task_named(f"{__name__}:MINE") is MINE
    assert task_named(f"{__name__}:my_task") is MINE
    with pytest.raises(UsageError, match=r"is no evals\.Task, but a function with arguments"):
        task_named(f"{__name__}:needs_a_seed")
    with pytest.raises(UsageError, match=r"is no evals\.Task, but of the type list"):
        task_named(f"{__name__}:FILES")
    with pytest.raises(UsageError, match="has no 'NOTHING'"):
        task_named(f"{__name__}:NOTHING")


def test_importing_the_tasks_loads_no_library_of_datasets() -> None:
    check = (
        "import sys, evals.tasks.catalogue, evals.tasks.loading;"
        "sys.exit(len({'datasets', 'huggingface_hub', 'torch', 'pyarrow'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
