from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import RunUnreadable
from orchestrator.runs.run_folder import RunFolder
from orchestrator.runs.run_search import find_run, run_folders


def run_of(base: Path, name: str, started: str = "", changed: float = 0.0) -> Path:
    path = base / name
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(f"started: {started!r}\n" if started else "{}\n")
    os.utime(path, (changed, changed))
    return path


def test_a_run_is_found_by_its_name_by_its_folder_and_as_the_last(tmp_path: Path) -> None:
    first = run_of(tmp_path / "runs", "z", "2026-01-01T10:00:00+00:00")
    last = run_of(tmp_path / "runs", "a", "2026-01-01T10:00:01+00:00")
    base = tmp_path / "runs"
    assert find_run(base, "z") == first
    assert find_run("elsewhere", str(first)) == first
    assert find_run(base, "last") == last
    assert run_folders(base) == [last, first]


def test_runs_are_in_the_order_in_which_they_began_whatever_the_zone(tmp_path: Path) -> None:
    later = run_of(tmp_path, "x", "2026-01-01T10:00:00+00:00")
    sooner = run_of(tmp_path, "y", "2026-01-01T10:30:00+01:00")
    assert run_folders(tmp_path) == [later, sooner]


def test_runs_that_do_not_say_when_they_began_are_as_old_as_their_folder(tmp_path: Path) -> None:
    old = run_of(tmp_path, "b", changed=1000.0)
    new = run_of(tmp_path, "a", changed=2000.0)
    (broken := run_of(tmp_path, "c", changed=3000.0) / "config.yaml").write_text("a: [")
    os.utime(broken.parent, (3000.0, 3000.0))
    assert run_folders(tmp_path) == [broken.parent, new, old]


def test_a_new_run_is_the_last(tmp_path: Path) -> None:
    run_of(tmp_path, "old", "2026-01-01T10:00:00+00:00")
    with RunFolder.create(tmp_path, {}) as folder:
        assert find_run(tmp_path, "last") == folder.path


def test_what_is_no_run_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    assert run_folders(tmp_path) == run_folders(tmp_path / "nowhere") == []
    for name in ("notes", "file", "", ".", str(tmp_path)):
        with pytest.raises(RunUnreadable, match="there is no run"):
            find_run(tmp_path, name)
    with pytest.raises(
        RunUnreadable, match=r"there are no runs in .*: choose their folder with --out"
    ):
        find_run(tmp_path, "last")


def test_a_folder_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunUnreadable, match=r"cannot be read: .*Not a directory"):
        run_folders(tmp_path / "file")
