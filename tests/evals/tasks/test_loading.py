"""Files of problems as people have them, and what is told of those that are none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from evals import Problem, ProblemFileError, Task
from evals.tasks.catalogue import TASKS
from evals.tasks.columns import Row
from evals.tasks.loading import GENERATED, Loaded, chosen, load
from evals.tasks.rows import PlacedRow, gathered
from tests.backends import run_virtually

GOOD = json.dumps({"id": "1", "problem": "2 + 2?", "answer": "4"})


def read(path: Path, limit: int | None = None, task: str = "custom") -> Loaded:
    return run_virtually(partial(load, TASKS[task], data=path, seed=0, limit=limit))


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def written(content: str) -> Path:
        path = tmp_path / "problems.jsonl"
        path.write_bytes(content.encode())
        return path

    return written


Write = Callable[[str], Path]


def test_a_file_with_problems_and_answers_is_enough(file: Write) -> None:
    path = file('{"problem": "2 + 2?", "answer": 4}\n{"problem": "1 / 2?", "answer": 0.5}\n')
    loaded = read(path)
    assert loaded.problems == (
        Problem(id="row-1", problem="2 + 2?", answer="4"),
        Problem(id="row-2", problem="1 / 2?", answer="0.5"),
    )
    assert loaded.source == {
        "kind": "file",
        "path": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_other_names_of_columns_are_known_and_further_ones_are_kept(file: Write) -> None:
    row = {"problem_id": 7, "question": "x?", "gold": [12.0], "also": "13", "level": 3, "no": None}
    assert read(file(json.dumps(row))).problems == (
        Problem(id="7", problem="x?", answer="12", also=("13",), data={"level": 3}),
    )


def test_empty_lines_windows_line_ends_and_its_mark_do_not_matter(file: Write) -> None:
    other = json.dumps({"id": "2", "problem": "3 + 3?", "answer": "6"})
    loaded = read(file(f"\ufeff{GOOD}\r\n\r\n  \n{other}\r\n"))
    assert ([problem.id for problem in loaded.problems], loaded.skipped) == (["1", "2"], ())


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b"])
def test_unicode_line_separators_inside_a_problem_end_no_line(file: Write, separator: str) -> None:
    row = {"id": "1", "problem": f"one{separator}two", "answer": "4"}
    escaped = separator == "\x0b"  # JSON allows no bare control characters
    loaded = read(file(json.dumps(row, ensure_ascii=escaped)))
    assert loaded.problems[0].problem == f"one{separator}two"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "is no JSON: Expecting value"),
        ("[1]", "is no JSON object"),
        ("[" * 100_000, "is no JSON: "),
        ('{"id": "2", "problem": "x", "answer": ' + "9" * 5000 + "}", "is no JSON: "),
        ('{"id": "2", "problem": "x"}', "answer: is missing"),
        ('{"id": "2", "problem": "x", "answer": null}', "answer: is missing"),
        ('{"id": "2", "problem": "x", "answer": " "}', "answer: is empty"),
        ('{"id": "2", "problem": "x", "answer": true}', "answer: true is no text or number"),
        ('{"id": "2", "problem": "x", "answer": {"a": 1}}', 'answer: {"a": 1} is no text'),
        ('{"id": "2", "answer": "x"}', "problem: is missing"),
        ('{"id": "2", "problem": "", "answer": "x"}', "problem: is empty"),
        ('{"id": "2", "problem": "\\ud800", "answer": "x"}', "problem: "),
        (GOOD, "the id '1' is there already"),
    ],
)
def test_a_malformed_row_is_located_by_its_line_and_the_rest_is_used(
    file: Write, line: str, reason: str
) -> None:
    last = json.dumps({"id": "9", "problem": "3 + 3?", "answer": "6"})
    path = file(f"{GOOD}\n\n{line}\n{last}\n")
    loaded = read(path)
    assert [problem.id for problem in loaded.problems] == ["1", "9"]
    (skipped,) = loaded.skipped
    assert skipped.startswith(f"{path} line 3: {reason}")
    assert "\n" not in skipped


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds no problems: write one JSON object a line, with id, problem and answer"),
        ("\n\n", "holds no problems: "),
        ("nothing", "line 1: is no JSON: Expecting value"),
    ],
)
def test_a_file_without_a_problem_is_an_error(file: Write, content: str, told: str) -> None:
    with pytest.raises(ProblemFileError) as caught:
        read(file(content))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UsageError)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemFileError, match=r"nothing\.jsonl cannot be read: No such file"):
        read(tmp_path / "nothing.jsonl")
    with pytest.raises(ProblemFileError, match="cannot be read"):
        read(tmp_path)
    file = tmp_path / "latin.jsonl"
    file.write_bytes(b"\xff")
    with pytest.raises(ProblemFileError, match=r"latin\.jsonl cannot be read: .*utf-8"):
        read(file)


def test_the_limit_takes_the_first_problems_and_looks_no_further(file: Write) -> None:
    rows = [json.dumps({"id": f"p{n}", "problem": "x?", "answer": "1"}) for n in range(3)]
    path = file("\n".join([rows[0], "broken", *rows[1:], "broken"]))
    loaded = read(path, limit=2)
    assert [problem.id for problem in loaded.problems] == ["p0", "p1"]
    assert len(loaded.skipped) == 1
    with pytest.raises(ProblemFileError, match="limit 0 leaves no problems"):
        read(path, limit=0)


def test_a_task_without_a_dataset_asks_for_a_file() -> None:
    with pytest.raises(ProblemFileError, match=r"parallelqa has no public dataset: .*--data FILE"):
        run_virtually(partial(load, TASKS["parallelqa"], data=None, seed=0, limit=None))


def test_a_generated_task_says_its_seed_and_can_be_read_from_a_file(file: Write) -> None:
    task = TASKS["arithmetic"]
    made = run_virtually(partial(load, task, data=None, seed=3, limit=None))
    assert (len(made.problems), made.source) == (GENERATED, {"kind": "generated", "seed": 3})
    few = run_virtually(partial(load, task, data=None, seed=3, limit=2))
    assert few.problems == made.problems[:2]
    assert read(file(GOOD), task="arithmetic").source["kind"] == "file"


PROBLEMS = [Problem(id=f"set-{number:03d}", problem="x?", answer="1") for number in range(20)]


def test_problems_are_chosen_by_their_ids_in_their_own_order() -> None:
    assert chosen(PROBLEMS, ["set-007", "set-002"]) == (PROBLEMS[2], PROBLEMS[7])


@pytest.mark.parametrize(
    ("id", "told"),
    [("set-7", "such as set-0"), ("zzz", "there are 20, such as set-000, set-001, set-002")],
)
def test_an_unknown_id_is_refused_with_known_ones(id: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"no problem '{id}': .*{told}"):
        chosen(PROBLEMS, ["set-002", id])


def test_a_row_that_is_no_problem_of_the_task_is_not_told() -> None:
    def even(row: Row, number: int) -> Problem | None:
        return None if number % 2 else Problem(id=row["id"], problem="x?", answer="1")

    rows = [PlacedRow(place=f"row {n}", row={"id": str(n)}) for n in range(4)]
    assert [problem.id for problem in gathered(rows, even, None).problems] == ["0", "2"]
    assert gathered(rows, even, None).skipped == ()


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "problem", "answer", "also", "x"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.lists(st.text()),
        )
        | st.text()
    ),
    st.none() | st.integers(1, 5),
)
def test_every_row_is_a_problem_or_told(
    rows: list[dict[str, Any] | str], limit: int | None
) -> None:
    placed = [PlacedRow(place=f"row {n}", row=row) for n, row in enumerate(rows)]
    task = Task(name="any", about="", grader=TASKS["custom"].grader)
    found = gathered(placed, task.read, limit)
    ids = [problem.id for problem in found.problems]
    assert len(set(ids)) == len(ids)
    assert all(problem.answer for problem in found.problems)
    if limit is None:
        assert len(ids) + len(found.skipped) == len(rows)
    else:
        assert len(ids) <= limit
