from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from engines import Usage
from evals import Evaluation, Grade, Sample
from evals.evaluation.folder import (
    SampleFile,
    write_grades,
    write_metrics,
    write_problems,
    write_sweep,
)
from evals.evaluation.reading import evaluations_in, read_evaluation
from evals.evaluation.rows import Key
from orchestrator import RunFolderError, RunUnreadable
from tests.evals.evaluation.making_samples import problems


def sample(number: int, text: str = "", problem: str = "p0") -> Sample:
    return Sample(task="sums", problem=problem, sample=number, status="ok", text=text)


def grade(number: int, *, correct: bool = True) -> Grade:
    return Grade(
        task="sums",
        problem="p0",
        sample=number,
        extracted="1",
        correct=correct,
        grader="exact",
        version="1",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_problems(tmp_path, {"sums": problems(3)})
    return tmp_path


def written(folder: Path, *samples: Sample) -> Evaluation:
    with SampleFile(folder) as file:
        for one in samples:
            file.append(one)
    return read_evaluation(folder)


def test_what_is_written_is_read(folder: Path) -> None:
    one = Sample(
        task="sums",
        problem="p1",
        sample=3,
        status="truncated",
        reason="it reached its token limit",
        text="12\n\u2028\x00 \N{SNOWMAN}",
        value="12",
        usage=Usage(prompt_tokens=3, generated_tokens=2, cached_tokens=None, lower_bound=True),
        critical_path=2,
        seconds=1.5,
        score=0.25,
        threads=[{"path": "a", "threads": []}],
    )
    write_grades(folder, [grade(3)])
    write_metrics(folder, {"average": 1})
    evaluation = written(folder, one)
    assert evaluation.problems == {"sums": list(problems(3))}
    assert evaluation.samples == {Key("sums", "p1", 3): one}
    assert evaluation.grades == {Key("sums", "p0", 3): grade(3)}
    assert json.loads((folder / "metrics.json").read_text()) == {"schema_version": 1, "average": 1}


def test_of_a_sample_that_was_done_again_the_last_row_counts(folder: Path) -> None:
    evaluation = written(folder, sample(0, "first"), sample(1), sample(0, "second"))
    assert evaluation.samples[Key("sums", "p0", 0)].text == "second"


def test_rows_stand_in_the_order_of_the_problems(folder: Path) -> None:
    rows = [sample(1, problem="p2"), sample(0, problem="p2"), sample(0), sample(0, problem="gone")]
    keys = list(written(folder, *rows).samples)
    assert keys == [rows[2].key, rows[1].key, rows[0].key, rows[3].key]


def test_a_torn_last_line_is_not_there_and_is_cut_before_more_is_written(folder: Path) -> None:
    written(folder, sample(0))
    with (folder / "samples.jsonl").open("a") as file:
        file.write('{"task": "sums", "prob')
    assert list(read_evaluation(folder).samples) == [Key("sums", "p0", 0)]
    assert list(written(folder, sample(1)).samples) == [Key("sums", "p0", 0), Key("sums", "p0", 1)]


def test_files_that_are_not_there_hold_nothing(folder: Path) -> None:
    evaluation = read_evaluation(folder)
    assert (evaluation.samples, evaluation.grades, evaluation.configuration) == ({}, {}, {})
    assert (evaluation.name, evaluation.k) == (folder.name, 1)


def test_what_a_newer_patch_added_is_passed_over(folder: Path) -> None:
    row = {**sample(0).model_dump(), "mood": "good"}
    (folder / "samples.jsonl").write_text(json.dumps(row) + "\n")
    with (folder / "problems.jsonl").open("a") as file:
        new = {"task": "sums", "id": "new", "problem": "?", "answer": "1", "mood": 1}
        file.write(json.dumps(new) + "\n")
    evaluation = read_evaluation(folder)
    assert evaluation.samples == {Key("sums", "p0", 0): sample(0)}
    assert evaluation.problems["sums"][-1].id == "new"


@pytest.mark.parametrize("file", ["config.yaml", "samples.jsonl", "grades.jsonl", "problems.jsonl"])
def test_a_newer_schema_is_refused_in_one_line(file: str, folder: Path) -> None:
    (folder / file).write_text('{"schema_version": 9}\n')
    with pytest.raises(RunUnreadable, match=r"newer forkjoin \(schema 9") as caught:
        read_evaluation(folder)
    assert "\n" not in str(caught.value)


def test_threads_can_be_left_out(folder: Path) -> None:
    row = sample(0).model_copy(update={"threads": [{"path": "a", "answer": "long"}]})
    assert written(folder, row).samples[row.key] == row
    lean = read_evaluation(folder, threads=False).samples[row.key]
    assert lean == row.model_copy(update={"threads": []})


@pytest.mark.parametrize("line", ["no json", "[]", '{"task": "sums"}'])
def test_what_is_no_row_is_located(line: str, folder: Path) -> None:
    written(folder, sample(0))
    with (folder / "samples.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunUnreadable, match=r"samples\.jsonl, line 2 is no row of an evaluation: "):
        read_evaluation(folder)


def test_what_is_no_evaluation_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunUnreadable, match="there is no run folder"):
        read_evaluation(tmp_path / "nothing")
    # As `forkjoin run` leaves them.
    (tmp_path / "config.yaml").write_text("question: why\n")
    (tmp_path / "samples.jsonl").write_text('{"id": "1"}\n')
    with pytest.raises(RunUnreadable, match="is no evaluation"):
        read_evaluation(tmp_path)


def test_a_folder_of_evaluations_stands_for_all_of_them(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_problems(tmp_path / name, {"sums": problems(1)})
    (tmp_path / "other").mkdir()
    assert evaluations_in(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    for name, day in (("b", 1), ("a", 2)):
        (tmp_path / name / "config.yaml").write_text(f"started: '2026-01-0{day}'\n")
    assert evaluations_in(tmp_path) == [tmp_path / "b", tmp_path / "a"]
    write_sweep(tmp_path, ["a", "gone", "b"])
    assert evaluations_in(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert evaluations_in(tmp_path / "a") == [tmp_path / "a"]
    with pytest.raises(RunUnreadable, match="is no evaluation and holds none"):
        evaluations_in(tmp_path / "other")


def test_half_of_a_surrogate_pair_and_infinite_scores_are_written_as_something_readable(
    folder: Path,
) -> None:
    row = sample(0, "\ud83d").model_copy(update={"score": math.inf})
    (read,) = written(folder, row).samples.values()
    assert (read.text, read.score) == ("?", None)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written"):
        SampleFile(tmp_path / "nothing")
