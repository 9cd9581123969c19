from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines import UsageError
from evals import Problem, ProblemFileError, read_problems

AIME = Path(__file__).parents[3] / "shared/data/aime_2025.jsonl"
GOOD = json.dumps({"id": "1", "problem": "2 + 2?", "answer": "4"})


def test_the_problems_of_a_real_contest_are_read() -> None:
    if not AIME.exists():
        pytest.skip(f"{AIME} is not there")
    problems = read_problems(AIME)
    assert len(problems) == 30
    assert (problems[0].id, problems[0].answer) == ("aime2025-I-01", "70")
    assert all(0 <= int(problem.answer) <= 999 for problem in problems)


def test_other_fields_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    row = {"source": "x", "id": "2", "problem": "3 + 3?", "answer": "6"}
    file.write_text(f"{GOOD}\n\n  \n{json.dumps(row)}\n")
    assert read_problems(file) == [
        Problem(id="1", problem="2 + 2?", answer="4"),
        Problem(id="2", problem="3 + 3?", answer="6"),
    ]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b"])
def test_unicode_line_separators_inside_a_problem_end_no_line(
    tmp_path: Path, separator: str
) -> None:
    row = {"id": "1", "problem": f"one{separator}two", "answer": "4"}
    file = tmp_path / "problems.jsonl"
    escaped = separator == "\x0b"  # JSON allows no bare control characters
    file.write_text(json.dumps(row, ensure_ascii=escaped), encoding="utf-8")
    assert read_problems(file)[0].problem == f"one{separator}two"


def test_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_bytes(f"{GOOD}\r\n\r\n".encode())
    assert len(read_problems(file)) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{GOOD}\nnot json", "line 2: the line: Invalid JSON"),
        (f'{GOOD}\n{{"id": "2", "problem": "x"}}', "line 2: answer: Field required"),
        ('{"id": 1, "problem": "x", "answer": "4"}', "line 1: id: "),
        ('{"id": "1", "problem": "x", "answer": 4}', "line 1: answer: "),
        (f"{GOOD}\n\n{GOOD}", "line 3: the id '1' is there already"),
        ("[1]", "line 1: the line: "),
        ("", "holds no problems"),
        ("\n\n", "holds no problems"),
    ],
)
def test_what_is_no_problem_is_one_line_that_says_where(
    tmp_path: Path, content: str, problem: str
) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text(content)
    with pytest.raises(ProblemFileError) as caught:
        read_problems(file)
    message = str(caught.value)
    assert problem in message
    assert message.startswith(str(file))
    assert "\n" not in message
    assert isinstance(caught.value, UsageError)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemFileError, match="cannot be read"):
        read_problems(tmp_path / "nothing.jsonl")
    file = tmp_path / "latin.jsonl"
    file.write_bytes(b"\xff")
    with pytest.raises(ProblemFileError, match="cannot be read"):
        read_problems(file)
