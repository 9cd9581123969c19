from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from orchestrator.errors import JournalError
from orchestrator.journal.writer import Row, Writer
from tests.orchestrator.journals import Disk, disk_at, rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return disk_at(tmp_path / "j")


@pytest.fixture
def writer(disk: Disk, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(disk, tmp_path / "j")
    yield writer
    writer.close()


def request(number: int) -> Row:
    return ("requests", (number, f"sampling {number}", "model"))


async def test_a_record_is_committed_when_its_write_returns(tmp_path: Path, writer: Writer) -> None:
    for number in range(1, 4):
        await writer.write([request(number)])
        assert rows(tmp_path / "j", "requests") == number


async def test_what_comes_in_one_turn_is_committed_together(tmp_path: Path, writer: Writer) -> None:
    async with anyio.create_task_group() as group:
        for number in range(1, 1001):
            group.start_soon(writer.write, [request(number)])
    statistics = writer.statistics()
    assert (statistics.records, statistics.commits, statistics.largest_batch) == (1000, 1, 1000)
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
    tmp_path: Path, writer: Writer
) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(writer.write, [request(1)])
        with anyio.CancelScope() as scope:
            scope.cancel()
            await writer.write([request(2)])
        assert scope.cancelled_caught
        group.start_soon(writer.write, [request(3)])
    assert rows(tmp_path / "j", "requests") == 3


async def test_a_disk_that_fails_is_told_to_everybody_and_once_and_for_all(
    tmp_path: Path, disk: Disk, writer: Writer
) -> None:
    told: list[str] = []

    async def write(number: int) -> None:
        with pytest.raises(JournalError) as caught:
            await writer.write([request(number)])
        told.append(str(caught.value))

    await writer.write([request(1)])
    disk.full = True
    async with anyio.create_task_group() as group:
        for number in range(2, 52):
            group.start_soon(write, number)
    # It would work again, but what was lost is lost.
    disk.full = False
    await write(52)
    writer.write_soon([request(53)])
    assert len(told) == 51
    assert len(set(told)) == 1
    assert "cannot be written: database or disk is full; see that there is room" in told[0]
    assert "\n" not in told[0]
    with pytest.raises(JournalError):
        await writer.read("SELECT 1", ())
    writer.close()
    assert rows(tmp_path / "j", "requests") == 1


async def test_what_nobody_waits_for_is_told_at_the_end_where_it_fails(
    tmp_path: Path, disk: Disk, writer: Writer
) -> None:
    writer.write_soon([request(1)])
    writer.flush()
    assert rows(tmp_path / "j", "requests") == 1
    writer.write_soon([request(2)])
    disk.full = True
    for _ in range(2):
        with pytest.raises(JournalError, match="cannot be written: database or disk is full"):
            writer.flush()
    writer.close()
    assert rows(tmp_path / "j", "requests") == 1


async def test_a_batch_is_written_as_a_whole_or_not_at_all(tmp_path: Path, writer: Writer) -> None:
    writer.write_soon([request(number) for number in range(1, 301)])
    with pytest.raises(RuntimeError, match="a mistake in the journal"):
        await writer.write([("spend", (2**70, *[0] * 6))])
    writer.close()
    assert rows(tmp_path / "j", "requests") == 0


async def test_a_record_that_cannot_be_stored_is_a_mistake_that_is_told(writer: Writer) -> None:
    with pytest.raises(RuntimeError, match="a mistake in the journal") as caught:
        await writer.write([("requests", (2**70, "", ""))])
    assert isinstance(caught.value.__cause__, OverflowError)


async def test_closing_twice_does_nothing_and_writing_then_is_a_mistake(writer: Writer) -> None:
    writer.close()
    writer.close()
    with pytest.raises(RuntimeError, match="the journal is closed"):
        await writer.write([request(1)])


async def test_the_log_begins_anew_when_there_has_been_much(tmp_path: Path, writer: Writer) -> None:
    """Each checkpoint copies all that there is, since nothing is written meanwhile."""
    log = tmp_path / "j-wal"
    sizes = []
    for start in range(0, 10_000, 2_500):
        async with anyio.create_task_group() as group:
            for number in range(start, start + 2_500):
                group.start_soon(writer.write, [("requests", (number, "x" * 1_000, "model"))])
        writer.wait_for_checkpoints()
        sizes.append(log.stat().st_size)
    assert sizes[-1] < 2 * sizes[0]
    writer.close()
    assert not log.exists()
    assert rows(tmp_path / "j", "requests") == 10_000


def test_what_a_loop_leaves_is_written_and_the_next_loop_can_write(
    tmp_path: Path, writer: Writer
) -> None:
    for number, backend in enumerate(("asyncio", "trio", "asyncio")):

        async def leave() -> None:
            await writer.write([request(2 * number)])  # noqa: B023 -- run at once
            writer.write_soon([request(2 * number + 1)])  # noqa: B023 -- run at once

        anyio.run(leave, backend=backend)
    writer.close()
    assert rows(tmp_path / "j", "requests") == 6
