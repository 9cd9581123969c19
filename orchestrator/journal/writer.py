"""The one writer of a journal: what comes in one turn of the event loop is committed at its end, as one transaction.

write ─> open batch ─> end of the turn: one transaction ─> one event wakes all who wait for the batch

Under load batches grow by themselves; without it a record is committed at once. This happens on the event loop: a
commit hands its pages to the system, which takes 50 us and 20 for each call of 6 kB, and does not wait for the disk. A
thread has to get the GIL back after each statement, and a busy event loop kept it from one for up to 38 s. Rows are
inserted up to 256 at a time, since each statement gives the GIL away.

It knows tables and rows, not what they mean.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from ..errors import JournalError
from .checkpoints import Checkpoints
from .packing import Value
from .schema import WIDTHS

Row = tuple[str, tuple[Value, ...]]
"""A table, and a value for each of its columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatistics:
    """What a writer has done.

    Attributes:
        records: Records committed, and questions answered.
        commits: Batches of them.
        largest_batch: The most records in one batch.
        waiting: Records that wait to be committed.
    """

    records: int
    commits: int
    largest_batch: int
    waiting: int


class _Batch:
    """What is committed together."""

    def __init__(self) -> None:
        self.records = 0
        self.rows: dict[str, list[Value]] = defaultdict(list)
        self.statements: list[Statement] = []
        self.committed = anyio.Event()
        self.failure: Exception | None = None


class Statement:
    """What is executed after the rows of its record, and what it gave."""

    def __init__(self, sql: str, parameters: Sequence[Value]) -> None:
        self.sql = sql
        self.parameters = parameters
        self.result: list[Any] = []


class Writer:
    """Writes a journal, from one event loop, until it is closed.

    Args:
        connection: To the journal; the writer closes it.
        path: The journal, as errors name it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._checkpoints = Checkpoints(path)
        self._most_variables = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        self._open: _Batch | None = None
        self._closed = False
        self._failure: Exception | None = None
        self._records = self._commits = self._largest = 0

    async def write(self, record: Sequence[Row], then: Statement | None = None) -> None:
        """Writes rows, executes a statement if there is one, and returns after the commit.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._add(record, then)
        await batch.committed.wait()
        self._check(batch.failure)

    def write_soon(self, record: Sequence[Row]) -> None:
        """Writes rows in their turn. Where that fails, the next `write` or `flush` says so."""
        with suppress(JournalError):
            self._add(record)

    async def read(self, sql: str, parameters: Sequence[Value]) -> list[Any]:
        """What a query gives after everything written so far.

        Raises:
            JournalError: It cannot be read.
        """
        query = Statement(sql, parameters)
        await self.write((), query)
        return query.result

    def flush(self) -> None:
        """Commits what waits.

        Raises:
            JournalError: It cannot be written, or something before it could not.
        """
        self._commit()
        self._check(self._failure)

    def finish(self) -> None:
        """Commits what waits; nothing can be written any more. A second call does nothing."""
        self._closed = True
        # Where the loop is gone, so are those who waited.
        with suppress(RuntimeError):
            self._commit()

    def wait_for_checkpoints(self) -> None:
        """Returns when no checkpoint is being made."""
        self._checkpoints.wait()

    def close(self) -> None:
        """Finishes and closes the journal. A second call does nothing."""
        self.finish()
        self.wait_for_checkpoints()
        with suppress(sqlite3.Error):
            self._connection.close()

    def statistics(self) -> WriterStatistics:
        """What has been done so far."""
        return WriterStatistics(
            records=self._records,
            commits=self._commits,
            largest_batch=self._largest,
            waiting=0 if self._open is None else self._open.records,
        )

    def _add(self, record: Sequence[Row], then: Statement | None = None) -> _Batch:
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._check(self._failure)
        if self._open is None:
            self._open = _Batch()
            _at_the_end_of_this_turn(self._commit)
        batch = self._open
        for table, values in record:
            batch.rows[table].extend(values)
        if then is not None:
            batch.statements.append(then)
        batch.records += 1
        return batch

    def _check(self, failure: Exception | None) -> None:
        if isinstance(failure, sqlite3.Error):
            raise JournalError(
                f"the journal {self._path} cannot be written: {failure}; see that there is room, and resume the run: "
                f"what is in the journal is kept"
            ) from failure
        if failure is not None:
            raise RuntimeError("a mistake in the journal") from failure

    def _commit(self) -> None:
        batch, self._open = self._open, None
        if batch is None:
            return
        try:
            self._write(batch)
        # Whatever it is, those who wait have to hear of it.
        except Exception as error:
            batch.failure = self._failure = error
        batch.committed.set()

    def _write(self, batch: _Batch) -> None:
        execute = self._connection.execute
        execute("BEGIN")
        try:
            for table, values in batch.rows.items():
                for insertion, part in _insertions(table, values, self._most_variables):
                    execute(insertion, part)
            for statement in batch.statements:
                statement.result = execute(statement.sql, statement.parameters).fetchall()
            execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        self._checkpoints.after_commit(batch.records)
        self._commits += 1
        self._records += batch.records
        self._largest = max(self._largest, batch.records)


def _at_the_end_of_this_turn(function: Callable[[], None]) -> None:
    """Calls it on the event loop when all that is ready has run."""
    token: Any = anyio.lowlevel.current_token().native_token
    # How asyncio and trio call it.
    call = getattr(token, "call_soon_threadsafe", None) or token.run_sync_soon
    call(function)


_UNITS = (256, 64, 8, 1)


def _insertions(
    table: str, values: Sequence[Value], most_variables: int
) -> Iterator[tuple[str, Sequence[Value]]]:
    """Insertions of all rows: few, and of few sizes, so that SQLite has most of them prepared."""
    width = WIDTHS[table]
    start = 0
    for unit in _UNITS:
        most = min(_UNITS[0], most_variables // width) // unit * unit
        while most and (size := min(most, (len(values) - start) // width // unit * unit)):
            yield _insertion(table, size), values[start : start + size * width]
            start += size * width


@cache
def _insertion(table: str, rows: int) -> str:
    row = f"({','.join('?' * WIDTHS[table])})"
    return f"INSERT OR REPLACE INTO {table} VALUES {','.join([row] * rows)}"
