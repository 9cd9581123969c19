"""Journals are opened to be read without a trace, and what is damaged is told with what to do."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator import JournalError
from orchestrator.journal import open_journal, read_journal
from orchestrator.journal.schema import connect, connect_to_read


def made(path: Path) -> Path:
    """A journal that nobody writes."""
    connect(path).close()
    return path


def test_to_read_a_journal_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with connect_to_read(made(tmp_path / "j")) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)
        assert [path.name for path in tmp_path.iterdir()] == ["j"]
    assert [path.name for path in tmp_path.iterdir()] == ["j"]


def test_what_is_not_yet_in_the_file_itself_is_read_too(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "j")) as writing:
        writing.execute("INSERT INTO decisions VALUES ('a', 'b', 1)")
        with connect_to_read(tmp_path / "j") as connection:
            assert connection.execute("SELECT path FROM decisions").fetchall() == [("a",)]


def test_who_begins_to_write_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    def write() -> None:
        with closing(connect(tmp_path / "j")) as writing:
            writing.executemany("INSERT INTO decisions VALUES (?, ?, 1)", [("a", "b" * 999)] * 99)

    made(tmp_path / "j")
    with (
        pytest.raises(JournalError, match="was written while it was read: read it again"),
        connect_to_read(tmp_path / "j") as connection,
    ):
        write()
    with connect_to_read(tmp_path / "j") as connection:
        assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (99,)


@pytest.mark.parametrize("open_one", [open_journal, lambda path: read_journal(path).__enter__()])
@pytest.mark.parametrize("left", [0.3, 0.6])
def test_of_a_damaged_journal_it_is_said_that_calls_may_be_lost(
    tmp_path: Path, open_one: Callable[[Path], Any], left: float
) -> None:
    path = made(tmp_path / "j")
    os.truncate(path, int(path.stat().st_size * left))
    with pytest.raises(JournalError, match="finished may be lost: start a new run") as told:
        open_one(path)
    assert "--journal-dir" not in str(told.value)


def test_contexts_that_go_round_in_a_circle_are_refused(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "j")) as writing:
        insert = "INSERT INTO contexts (id, parent, role, text) VALUES (?, ?, 'user', 'x')"
        writing.executemany(insert, [(1, 2), (2, 1)])
        writing.execute("INSERT INTO requests VALUES (1, '{}', 'fake')")
        call = "INSERT INTO calls (id, context, request, finish_reason, text) VALUES (3, 2, 1, 'stop', 'y')"
        writing.execute(call)
    with (
        pytest.raises(JournalError, match=re.escape("its context 1 goes on from none")),
        read_journal(tmp_path / "j") as reader,
    ):
        list(reader.calls())


def test_what_is_no_database_has_its_kind_told(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"noise" * 999)
    with pytest.raises(JournalError) as told, connect_to_read(tmp_path / "j"):
        pass
    assert isinstance(told.value.__cause__, sqlite3.DatabaseError)
