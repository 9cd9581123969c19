"""The one writer of a journal: a thread that commits whatever waits, as soon as it has committed what came before.

write ─> open batch ─> thread: a statement a table ─> loop: one event wakes all who wait for the batch

A batch is what comes in one turn of the event loop: under load batches grow by themselves, and without it a record is
committed at once. Thread and loop share one GIL, which a busy loop gives back only every 5 ms, after each statement
anew: so rows are inserted up to 256 at a time, and each statement commits by itself, which a journal allows, since
every beginning of it is one.

It knows tables and rows, not what they mean.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
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
    """What is committed together: filled on the event loop, then handed over to the thread."""

    def __init__(self) -> None:
        token: Any = anyio.lowlevel.current_token().native_token
        # How asyncio and trio call it; neither waits.
        self.in_loop: Callable[[Callable[[], object]], object] = (
            getattr(token, "call_soon_threadsafe", None) or token.run_sync_soon
        )
        self.records = 0
        self.rows: dict[str, list[Value]] = defaultdict(list)
        self.statements: list[Statement] = []
        self.committed = anyio.Event()
        self.failure: Exception | None = None

    def wake(self) -> None:
        """Wakes all who wait; where the loop is gone, so are they."""
        with suppress(RuntimeError):
            self.in_loop(self.committed.set)


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
        self._most_variables = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        self._open: _Batch | None = None
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._closed = False
        self._failure: Exception | None = None
        self._records = self._commits = self._largest = self._accepted = 0
        self._thread = threading.Thread(target=self._run, name="forkjoin-journal", daemon=True)
        self._thread.start()

    async def write(self, record: Sequence[Row], then: Statement | None = None) -> None:
        """Writes rows, executes a statement if there is one, and returns after the commit.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._add(record, then)
        await batch.committed.wait()
        self._check(batch.failure)

    def write_soon(self, record: Sequence[Row]) -> None:
        """Writes rows in their turn. Where that fails, the next `write` says so."""
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

    def close_nowait(self) -> None:
        """Has what waits committed and the journal closed. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._batches.put(None)

    def close(self) -> None:
        """The same, and waits for it."""
        self.close_nowait()
        self._thread.join()

    def statistics(self) -> WriterStatistics:
        """What has been done so far."""
        return WriterStatistics(
            records=self._records,
            commits=self._commits,
            largest_batch=self._largest,
            waiting=self._accepted - self._records,
        )

    def _add(self, record: Sequence[Row], then: Statement | None = None) -> _Batch:
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._check(self._failure)
        if self._open is None:
            self._open = _Batch()
            self._open.in_loop(self._hand_over)
        batch = self._open
        for table, values in record:
            batch.rows[table].extend(values)
        if then is not None:
            batch.statements.append(then)
        batch.records += 1
        self._accepted += 1
        return batch

    def _hand_over(self) -> None:
        if self._open is not None:
            self._batches.put(self._open)
            self._open = None

    def _check(self, failure: Exception | None) -> None:
        if isinstance(failure, sqlite3.Error):
            raise JournalError(
                f"the journal {self._path} cannot be written: {failure}; see that there is room, and resume the run: "
                f"what is in the journal is kept"
            ) from failure
        if failure is not None:
            raise RuntimeError("a mistake in the journal") from failure

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._commit(batch)
            # Whatever it is, those who wait have to hear of it.
            except Exception as error:
                batch.failure = self._failure = error
            batch.wake()
        with suppress(sqlite3.Error):
            self._connection.close()

    def _commit(self, batch: _Batch) -> None:
        if self._failure is not None:
            raise self._failure
        execute = self._connection.execute
        for table in WIDTHS:
            values = batch.rows.get(table, ())
            for insertion, part in _insertions(table, values, self._most_variables):
                execute(insertion, part)
        for statement in batch.statements:
            statement.result = execute(statement.sql, statement.parameters).fetchall()
        self._commits += 1
        self._records += batch.records
        self._largest = max(self._largest, batch.records)


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
