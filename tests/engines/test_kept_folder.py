from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines.kept_folder import damage, record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "weights").write_bytes(bytes(range(256)))
    record(tmp_path)
    return tmp_path


def test_what_was_recorded_is_as_it_was_written(folder: Path) -> None:
    assert damage(folder) is None


def test_a_folder_that_is_not_there_or_was_never_finished_says_so(tmp_path: Path) -> None:
    assert damage(tmp_path / "nothing") == "forkjoin.json is missing"
    (tmp_path / "weights").write_text("half")
    assert damage(tmp_path) == "forkjoin.json is missing"


def test_a_file_that_is_missing_or_shorter_is_named(folder: Path) -> None:
    (folder / "weights").write_bytes(b"short")
    assert damage(folder) == "weights is not as it was written"
    (folder / "weights").unlink()
    assert damage(folder) == "weights is missing"


def test_a_shorter_file_is_found_whatever_its_time(folder: Path) -> None:
    before = (folder / "weights").stat().st_mtime_ns
    os.truncate(folder / "weights", 128)
    os.utime(folder / "weights", ns=(before, before))
    assert damage(folder) == "weights is not as it was written"


def test_other_bytes_of_the_same_length_are_found_by_the_time(folder: Path) -> None:
    os.utime(folder / "weights", (1, 1))
    assert damage(folder) is None
    (folder / "weights").write_bytes(bytes(reversed(range(256))))
    # The clock of the file system may stand still for some milliseconds.
    os.utime(folder / "weights", (2, 2))
    assert damage(folder) == "weights is not as it was written"


def test_a_copy_is_read_once_and_then_known_by_its_time(folder: Path) -> None:
    before = (folder / "weights").stat().st_mtime_ns
    os.utime(folder / "weights", (1, 1))
    assert damage(folder) is None
    assert (folder / "weights").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 1, "files": {"a": 1}}']
)
def test_a_record_that_is_none_is_damage(folder: Path, text: str) -> None:
    (folder / "forkjoin.json").write_text(text)
    assert damage(folder) is not None


def test_a_folder_that_cannot_be_read_is_no_damage_but_an_error(folder: Path) -> None:
    (folder / "forkjoin.json").unlink()
    (folder / "forkjoin.json").mkdir()
    with pytest.raises(OSError, match="forkjoin"):
        damage(folder)
