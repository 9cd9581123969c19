"""Reads recorded outputs: a file of JSON lines, or the folder that an evaluation left.

{"problem": "...", "samples": [{"text": "..."}, ...]}       a row a question; samples may be bare texts
{"problem": "...", "text": "..."}                           a row a sample
problems.jsonl + samples.jsonl                              a folder: what `forkjoin eval` writes

A problem may be called `question`, and have a name, `id` or `problem_id`. What else a row says (known answers, labels,
scores) is not read: an engine does not know what is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError

_FORMATS = "rows are {problem, samples} or {problem, text}"
_COUNT = ("ok", "truncated")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a model once wrote.

    Attributes:
        text: All of it.
        cut: Whether a limit had cut it.
    """

    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """Questions, each with what was written to it.

    Attributes:
        name: What the recording is called.
        questions: The samples of each question, at least one, in the order in which they were recorded.
        names: Which question has a name.
    """

    name: str
    questions: Mapping[str, tuple[Recorded, ...]]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """16 characters that stand for all that it holds, wherever it lies."""
        content = [[text, *map(_as_data, samples)] for text, samples in self.questions.items()]
        data = json.dumps([content, dict(self.names)])
        return hashlib.sha256(data.encode()).hexdigest()[:16]


def read_recording(path: Path) -> Recording:
    """What a file or a folder holds.

    Raises:
        UsageError: It holds no recorded samples, or cannot be read; with the line.
    """
    rows = _rows_of_evaluation(path) if path.is_dir() else _rows_of_file(path)
    questions: dict[str, list[Recorded]] = {}
    names: dict[str, str] = {}
    try:
        for question, name, sample in rows:
            questions.setdefault(question, []).append(sample)
            if name is not None:
                names[name] = question
    except OSError as error:
        raise UsageError(
            f"the recording {error.filename or path} cannot be read: {error.strerror or error}"
        ) from error
    if not questions:
        raise UsageError(f"{path} has no recorded samples: {_FORMATS}")
    recorded = {text: tuple(samples) for text, samples in questions.items()}
    return Recording(path.name, recorded, names)


class _Row(NamedTuple):
    question: str
    name: str | None
    sample: Recorded


def _as_data(sample: Recorded) -> list[Any]:
    return [sample.text, sample.cut]


def _rows_of_file(path: Path) -> Iterator[_Row]:
    for place, row in _objects(path, torn=False):
        question = row.get("problem", row.get("question"))
        samples = row["samples"] if "samples" in row else [row.get("text")]
        if not isinstance(question, str) or not question.strip():
            raise UsageError(f"{place}: there is no problem in it: {_FORMATS}")
        texts = [_text_of(sample) for sample in samples] if isinstance(samples, list) else []
        if not texts or None in texts:
            raise UsageError(f"{place}: there are no texts of samples in it: {_FORMATS}")
        name = _text_of(row.get("id", row.get("problem_id")))
        yield from (_Row(question, name, Recorded(text)) for text in texts if text is not None)


def _text_of(sample: object) -> str | None:
    text = sample.get("text") if isinstance(sample, dict) else sample
    return text if isinstance(text, str) else None


def _rows_of_evaluation(folder: Path) -> Iterator[_Row]:
    """Samples that count, by their numbers; of one that was done again, the last."""
    if not (folder / "samples.jsonl").is_file():
        raise UsageError(f"{folder} is no folder of an evaluation: it has no samples.jsonl")
    questions = {
        _key(row, "id"): str(row.get("problem"))
        for _, row in _objects(folder / "problems.jsonl", torn=True)
    }
    samples: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for place, row in _objects(folder / "samples.jsonl", torn=True):
        key, number = _key(row, "problem"), row.get("sample")
        if key not in questions or not isinstance(number, int):
            raise UsageError(f"{place}: it is no sample of a problem in problems.jsonl")
        samples.setdefault(key, {})[number] = row
    for key, several in samples.items():
        for _, last in sorted(several.items()):
            if last.get("status") in _COUNT:
                text = last.get("text") or last.get("value") or ""
                sample = Recorded(str(text), cut=last["status"] == "truncated")
                yield _Row(questions[key], key[1], sample)


def _key(row: Mapping[str, Any], problem: str) -> tuple[str, str]:
    return str(row.get("task")), str(row.get(problem))


def _objects(path: Path, *, torn: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in a file, each with its place; a last line that may be torn is left out if it does not end."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            place = f"{path}, line {number}"
            if not line.strip() or (torn and not line.endswith(b"\n")):
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{place}: it is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise UsageError(f"{place}: it is no JSON object: {_FORMATS}")
            yield place, row
