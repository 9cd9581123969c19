"""Problems with known answers, read from JSON lines."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import ProblemFileError


class Problem(BaseModel):
    """A problem.

    Attributes:
        id: Unique in its file.
        problem: The question.
        answer: The known answer.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    problem: str
    answer: str


def read_problems(path: str | Path) -> list[Problem]:
    """The problems in a file of JSON lines with `id`, `problem` and `answer`; other fields are ignored.

    Raises:
        ProblemFileError: The file cannot be read, or a line is no problem.
    """
    try:
        # Not `splitlines`, which also cuts at separators that JSON allows inside a text.
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemFileError(f"the problems {path} cannot be read: {error}") from error
    problems: dict[str, Problem] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            problem = Problem.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise ProblemFileError(f"{path} line {number}: {place}: {first['msg']}") from None
        if problems.setdefault(problem.id, problem) is not problem:
            raise ProblemFileError(f"{path} line {number}: the id {problem.id!r} is there already")
    if not problems:
        raise ProblemFileError(f"{path} holds no problems: write one JSON object a line")
    return list(problems.values())
