from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.batch.output_files import OutputFiles
from orchestrator.batch.output_lines import json_line
from orchestrator.batch.work_file import Record
from orchestrator.errors import BatchFileError

A, F = Record("answered", b"a\n"), Record("failed", b"f\n")


def test_answers_and_errors_are_apart_and_nothing_else_is_left(tmp_path: Path) -> None:
    files = OutputFiles.beside(tmp_path / "out.jsonl")
    files.write([A, F, A, Record("unavailable", b"u\n")])
    assert files.answers.read_bytes() == b"a\na\n"
    assert files.errors.read_bytes() == b"f\nu\n"
    assert set(tmp_path.iterdir()) == {files.answers, files.errors}
    files.write([A])
    assert set(tmp_path.iterdir()) == {files.answers}


def test_what_is_not_written_whole_does_not_appear(tmp_path: Path) -> None:
    files = OutputFiles.beside(tmp_path / "out.jsonl")
    files.write([A, F])

    def broken() -> Iterator[Record]:
        yield A
        raise OSError(28, "No space left on device")

    with pytest.raises(BatchFileError, match="No space left"):
        files.write(broken())
    assert files.answers.read_bytes() == b"a\n"
    assert files.errors.read_bytes() == b"f\n"
    assert set(tmp_path.iterdir()) == {files.answers, files.errors}


@given(st.text(st.characters(codec=None, categories=None)))
@example("a\u2028b")
@example("\ud800")
def test_any_text_is_one_line_of_json(text: str) -> None:
    line = json_line({"text": text})
    assert len(line.encode().decode().splitlines()) == 1
    assert json.loads(line) == {"text": text}
