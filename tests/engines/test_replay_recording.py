"""What a recording is read from, and what is said of a file that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines import UsageError
from engines.replay.recording import Recorded, read_recording


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: Any, name: str = "recorded.jsonl") -> Path:
        lines = (row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
        return tmp_path / name

    return write


def texts_of(path: Path) -> dict[str, list[str]]:
    questions = read_recording(path).questions
    return {
        question: [sample.text for sample in samples] for question, samples in questions.items()
    }


@pytest.mark.parametrize(
    "rows",
    [
        [
            {
                "problem": "2 + 2?",
                "gold": "4",
                "samples": [{"text": "4", "correct": True}, {"text": ""}],
            }
        ],
        [{"question": "2 + 2?", "samples": ["4", ""]}],
        [{"problem": "2 + 2?", "text": "4"}, "\n", {"problem": "2 + 2?", "text": ""}],
    ],
)
def test_rows_hold_samples(written: Callable[..., Path], rows: list[Any]) -> None:
    assert texts_of(written(*rows)) == {"2 + 2?": ["4", ""]}


@pytest.mark.parametrize("field", ["id", "problem_id"])
def test_questions_have_names(written: Callable[..., Path], field: str) -> None:
    path = written({"problem": "2 + 2?", "text": "4", field: "a"}, {"problem": "3?", "text": "3"})
    assert read_recording(path).names == {"a": "2 + 2?"}


def test_the_last_line_need_not_end(written: Callable[..., Path]) -> None:
    assert texts_of(written('{"problem": "2 + 2?", "text": "4"}')) == {"2 + 2?": ["4"]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "it is no JSON: "),
        ("[1, 2]", "it is no JSON object: rows are {problem, samples} or {problem, text}"),
        ("[" * 100_000, "it is no JSON: "),
        ({"text": "4"}, "there is no problem in it: rows are"),
        ({"problem": " ", "text": "4"}, "there is no problem in it"),
        ({"problem": 4, "text": "4"}, "there is no problem in it"),
        ({"problem": "2 + 2?", "final": []}, "there are no texts of samples in it"),
        ({"problem": "2 + 2?", "samples": []}, "there are no texts of samples in it"),
        ({"problem": "2 + 2?", "samples": "4"}, "there are no texts of samples in it"),
        ({"problem": "2 + 2?", "samples": ["4", {"answer": "4"}]}, "there are no texts of samples"),
    ],
)
def test_a_line_that_is_no_row_is_told(written: Callable[..., Path], row: Any, told: str) -> None:
    path = written({"problem": "1 + 1?", "text": "2"}, row)
    with pytest.raises(UsageError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(f"{path}, line 2: {told}")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b'{"problem": "\xff\xfe"}\n')
    with pytest.raises(UsageError, match=r"line 1: it is no JSON"):
        read_recording(tmp_path / "bytes")


def test_a_file_without_rows_or_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match=r"empty has no recorded samples: rows are"):
        read_recording(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"none cannot be read: No such file"):
        read_recording(tmp_path / "none")


PROBLEM = {"schema_version": 1, "task": "sums", "id": "a", "problem": "2 + 2?", "answer": "4"}


def sample(number: int, text: str, status: str = "ok", **more: Any) -> dict[str, Any]:
    row = {"task": "sums", "problem": "a", "sample": number, "status": status, "text": text}
    return {**row, **more}


def test_an_evaluation_gives_its_samples_by_number_and_of_several_the_last(
    written: Callable[..., Path],
) -> None:
    written(PROBLEM, PROBLEM | {"id": "b", "problem": "3 + 3?"}, name="problems.jsonl")
    folder = written(
        sample(2, "four"),
        sample(0, "", "failed"),
        sample(1, "so f", "truncated"),
        sample(0, "4"),
        sample(3, "", "failed"),
        sample(4, "", value="IV"),
        '{"task": "sums", "pro',
        name="samples.jsonl",
    ).parent
    recording = read_recording(folder)
    assert recording.questions == {
        "2 + 2?": (Recorded("4"), Recorded("so f", cut=True), Recorded("four"), Recorded("IV"))
    }
    assert recording.names == {"a": "2 + 2?"}


def test_a_folder_that_is_no_evaluation_is_told(
    tmp_path: Path, written: Callable[..., Path]
) -> None:
    with pytest.raises(UsageError, match=r"is no folder of an evaluation: it has no samples.jsonl"):
        read_recording(tmp_path)
    written(sample(0, "4"), name="samples.jsonl")
    with pytest.raises(UsageError, match=r"problems.jsonl cannot be read: No such file"):
        read_recording(tmp_path)
    written(PROBLEM, name="problems.jsonl")
    written(sample(0, "4"), sample(0, "4", problem="z"), name="samples.jsonl")
    with pytest.raises(UsageError, match=r"samples.jsonl, line 2: it is no sample of a problem"):
        read_recording(tmp_path)


def test_the_digest_stands_for_what_is_recorded(written: Callable[..., Path]) -> None:
    one = read_recording(written({"problem": "2 + 2?", "samples": ["4", "5"]}))
    same = read_recording(
        written({"problem": "2 + 2?", "text": "4"}, {"problem": "2 + 2?", "text": "5"}, name="b")
    )
    other = read_recording(written({"problem": "2 + 2?", "samples": ["5", "4"]}, name="c"))
    assert one.digest == same.digest != other.digest
