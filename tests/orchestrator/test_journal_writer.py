from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from orchestrator.errors import JournalError
from orchestrator.journal.schema import connect
from orchestrator.journal.writer import Row, Writer
from tests.orchestrator.journals import rows

pytestmark = pytest.mark.anyio


class Gate(sqlite3.Connection):
    """A connection that inserts only while its gate is open, and then what its error does not keep it from."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        if sql.startswith("INSERT"):
            assert self.gate.wait(10)
            if self.error is not None:
                raise self.error
        return super().execute(sql, *arguments)  # type: ignore[arg-type]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Gate]:
    connect(tmp_path / "j").close()
    connection = sqlite3.connect(
        tmp_path / "j", isolation_level=None, check_same_thread=False, factory=Gate
    )
    yield connection
    connection.gate.set()
    connection.close()


@pytest.fixture
def writer(connection: Gate, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(connection, tmp_path / "j")
    yield writer
    connection.gate.set()
    writer.close()


def request(number: int) -> Row:
    return ("requests", (number, f"sampling {number}", "model"))


async def test_a_record_is_committed_when_its_write_returns(tmp_path: Path, writer: Writer) -> None:
    for number in range(1, 4):
        await writer.write([request(number)])
        assert rows(tmp_path / "j", "requests") == number


async def test_what_waits_is_committed_together(
    tmp_path: Path, connection: Gate, writer: Writer
) -> None:
    connection.gate.clear()
    async with anyio.create_task_group() as group:
        for number in range(1, 1001):
            group.start_soon(writer.write, [request(number)])
        await anyio.wait_all_tasks_blocked()
        assert writer.statistics().waiting == 1000
        connection.gate.set()
    statistics = writer.statistics()
    assert (statistics.records, statistics.waiting) == (1000, 0)
    # What the thread took before the gate was shut for it, and the rest.
    assert statistics.commits <= 2
    assert statistics.largest_batch >= 500
    assert rows(tmp_path / "j", "requests") == 1000


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 65, 255, 256, 257, 600, 5000])
async def test_batches_of_every_size_come_whole_and_in_order(
    tmp_path: Path, writer: Writer, count: int
) -> None:
    await writer.write([request(number) for number in range(1, count + 1)])
    found = await writer.read("SELECT id, sampling FROM requests ORDER BY id", ())
    assert found == [(number, f"sampling {number}") for number in range(1, count + 1)]


async def test_of_two_rows_with_one_id_the_later_one_stays(writer: Writer) -> None:
    record: list[Row] = [("requests", (1, text, "model")) for text in ("first", "second")]
    await writer.write(record)
    assert await writer.read("SELECT sampling FROM requests", ()) == [("second",)]


async def test_what_nobody_waits_for_is_written_in_its_turn(tmp_path: Path, writer: Writer) -> None:
    for number in range(1, 100):
        writer.write_soon([request(number)])
    await writer.write([request(100)])
    assert rows(tmp_path / "j", "requests") == 100
    writer.write_soon([request(101)])
    writer.close()
    assert rows(tmp_path / "j", "requests") == 101


async def test_a_cancelled_write_is_written_all_the_same_and_harms_nobody(
    tmp_path: Path, connection: Gate, writer: Writer
) -> None:
    connection.gate.clear()
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await writer.write([request(1)])
        assert scope.cancelled_caught
        group.start_soon(writer.write, [request(2)])
        group.start_soon(writer.write, [request(3)])
        await anyio.wait_all_tasks_blocked()
        connection.gate.set()
    assert rows(tmp_path / "j", "requests") == 3


async def test_a_disk_that_fails_is_told_to_everybody_and_once_and_for_all(
    connection: Gate, writer: Writer
) -> None:
    told: list[str] = []

    async def write(number: int) -> None:
        with pytest.raises(JournalError) as caught:
            await writer.write([request(number)])
        told.append(str(caught.value))

    connection.gate.clear()
    connection.error = sqlite3.OperationalError("database or disk is full")
    async with anyio.create_task_group() as group:
        for number in range(1, 51):
            group.start_soon(write, number)
        await anyio.wait_all_tasks_blocked()
        connection.gate.set()
    # It would work again, but what was lost is lost.
    connection.error = None
    await write(51)
    writer.write_soon([request(52)])
    assert len(told) == 51
    assert len(set(told)) == 1
    assert "cannot be written: database or disk is full; see that there is room" in told[0]
    assert "\n" not in told[0]
    with pytest.raises(JournalError):
        await writer.read("SELECT 1", ())


async def test_a_record_that_cannot_be_stored_is_a_mistake_that_is_told(writer: Writer) -> None:
    with pytest.raises(RuntimeError, match="a mistake in the journal") as caught:
        await writer.write([("requests", (2**70, "", ""))])
    assert isinstance(caught.value.__cause__, OverflowError)


async def test_closing_twice_does_nothing_and_writing_then_is_a_mistake(writer: Writer) -> None:
    writer.close()
    writer.close()
    with pytest.raises(RuntimeError, match="the journal is closed"):
        await writer.write([request(1)])


def test_a_loop_that_is_gone_is_not_missed(tmp_path: Path, connection: Gate) -> None:
    """As when a second interrupt ends the program in the middle of a commit."""
    writer = Writer(connection, tmp_path / "j")
    connection.gate.clear()
    for backend in ("asyncio", "trio"):

        async def leave() -> None:
            writer.write_soon([request(1 if backend == "asyncio" else 2)])  # noqa: B023 -- run at once

        anyio.run(leave, backend=backend)
    connection.gate.set()
    writer.close()
    assert rows(tmp_path / "j", "requests") == 2
