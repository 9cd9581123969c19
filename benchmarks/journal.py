"""Calls a second through `JournaledEngine`, each answered once it is committed, against SQLite with nothing around it.

python -m benchmarks.journal [--calls 10000] [--repeats 5] [--largest 50000]

A call is 6 kB on average: a prompt that no other call has, of 500 to 1,500 characters and a quarter as many ids, and
an output twice as long. The engine inside answers at once, so what is measured is the journal. SQLite writes the same
rows with one `executemany` in one transaction. Rounds take turns; the tables have medians. CPU time depends less than
the rate on what else the machine does. `replayed` is the rate at which a journal answers the same calls.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.lowlevel

from benchmarks.report import load, machine, table
from engines import STREAMED, Chunk, Context, Delivery, FakeEngine, Sampling, Segment, Usage
from orchestrator.journal import JournaledEngine, open_journal

WIDTHS = (1, 64, 256, 1024)
SIZES = (1_000, 10_000, 50_000)
TABLES = ("contexts", "calls")
SAMPLING = Sampling(seed=1)
IDS = tuple(range(100_000, 101_000))
BYTES = 1_000 + 4 * 250 + 2_000 + 4 * 500


class InstantEngine(FakeEngine):
    """Answers at once, every call with other ids."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        length = 1_000 + int(context.name or 0) * 37 % 2_001

        async def chunks() -> AsyncIterator[Chunk]:
            yield Chunk(
                text="y" * length,
                token_ids=IDS[: length // 4],
                usage=Usage(prompt_tokens=250, generated_tokens=length // 4),
                finish_reason="stop",
            )

        yield chunks()


@dataclass(frozen=True, kw_only=True)
class Measured:
    rate: float
    cpu: float
    largest_batch: int
    bytes: float


@dataclass
class Watch:
    """The clock and the CPU time when it was made."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)


def contexts(count: int) -> Iterator[Context]:
    root = Context(Segment("user", "Why?", (1, 2)), name="root")
    for number in range(count):
        length = 500 + number * 53 % 1_001
        yield root.fork(str(number), Segment("user", "x" * length, IDS[: length // 4]))


async def measure(path: Path, calls: int, width: int) -> Measured:
    """Makes the calls with so many tasks."""
    async with open_journal(path) as journal:
        engine = JournaledEngine(InstantEngine(), journal)
        waiting = contexts(calls)

        async def work() -> None:
            for context in waiting:
                await engine.generate(context, SAMPLING)

        gc.collect()
        start = Watch()
        async with anyio.create_task_group() as group:
            for _ in range(width):
                group.start_soon(work)
        end = Watch()
        seen = journal.statistics()
    assert seen.recorded + seen.replayed == calls
    return Measured(
        rate=calls / (end.wall - start.wall),
        cpu=(end.cpu - start.cpu) / calls,
        largest_batch=seen.writer.largest_batch,
        bytes=path.stat().st_size / calls,
    )


def rate_of_sqlite(journal: Path, path: Path, calls: int) -> float:
    """Calls a second of the same rows, taken out of a journal."""
    with sqlite3.connect(journal) as source:
        found = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
    source.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("page_size = 16384", "journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {setting}")
    inserts = {}
    for name, rows in found.items():
        width = len(rows[0])
        columns = ", ".join(f"c{number}" for number in range(1, width))
        connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {columns})")
        inserts[name] = f"INSERT INTO {name} VALUES ({', '.join('?' * width)})"
    gc.collect()
    start = time.perf_counter()
    connection.execute("BEGIN")
    for name, rows in found.items():
        connection.executemany(inserts[name], rows)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return calls / seconds


def rates(folder: Path, calls: int, repeats: int) -> None:
    """The table of rates."""
    measured: dict[int, list[Measured]] = {width: [] for width in WIDTHS}
    replayed: dict[int, list[float]] = {width: [] for width in WIDTHS}
    sqlite: list[float] = []
    for repeat in range(repeats):
        for width in WIDTHS:
            path = folder / f"{repeat}-{width}"
            measured[width].append(anyio.run(measure, path, calls, width))
            replayed[width].append(anyio.run(measure, path, calls, width).rate)
        written = folder / f"{repeat}-{WIDTHS[0]}"
        sqlite.append(rate_of_sqlite(written, folder / f"{repeat}-sqlite", calls))
    bare = statistics.median(sqlite)
    rows = [["SQLite alone", f"{bare:,.0f}", "1.00", "", "", ""]]
    for width, found in measured.items():
        rate = statistics.median(one.rate for one in found)
        rows.append(
            [
                f"{width:,} tasks",
                f"{rate:,.0f}",
                f"{statistics.median(m.rate / s for m, s in zip(found, sqlite, strict=True)):.2f}",
                f"{statistics.median(one.cpu for one in found) * 1e6:.0f}",
                f"{max(one.largest_batch for one in found):,}",
                f"{statistics.median(replayed[width]):,.0f}",
            ]
        )
    headers = ["", "calls/s", "of SQLite", "CPU us", "largest batch", "replayed/s"]
    print(table(headers, rows))


def growth(folder: Path, largest: int) -> None:
    """The table of sizes."""
    rows = []
    for calls in (size for size in SIZES if size <= largest):
        path = folder / f"size-{calls}"
        found = anyio.run(measure, path, calls, 256)
        start = time.perf_counter()
        open_journal(path).close()
        opening = time.perf_counter() - start
        path.unlink()
        rows.append(
            [
                f"{calls:,} calls",
                f"{found.bytes:,.0f}",
                f"{found.bytes / BYTES:.2f}",
                f"{found.rate:,.0f}",
                f"{found.cpu * 1e6:.0f}",
                f"{opening * 1e3:,.0f}",
            ]
        )
    headers = ["", "bytes/call", "of 6 kB", "calls/s", "CPU us", "opened again, ms"]
    print(table(headers, rows))


async def wait_for_commits(path: Path, busy: bool) -> list[float]:
    """How long calls take that come ten at a time, in ms, if the event loop has or has not anything else to do."""
    waited = []
    async with open_journal(path) as journal, anyio.create_task_group() as group:
        engine = JournaledEngine(InstantEngine(), journal)
        waiting = contexts(500)

        async def call() -> None:
            start = time.perf_counter()
            await engine.generate(next(waiting), SAMPLING)
            waited.append((time.perf_counter() - start) * 1e3)

        async def keep_busy() -> None:
            while True:
                end = time.perf_counter() + 0.0005
                while time.perf_counter() < end:
                    pass
                await anyio.lowlevel.checkpoint()

        if busy:
            group.start_soon(keep_busy)
        for _ in range(50):
            async with anyio.create_task_group() as calls:
                for _ in range(10):
                    calls.start_soon(call)
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    return waited


def waits(folder: Path) -> None:
    """The table of waits."""
    rows = []
    for busy in (False, True):
        waited = sorted(anyio.run(wait_for_commits, folder / f"wait-{busy}", busy))
        shares = [f"{waited[int(len(waited) * share)]:.1f}" for share in (0.5, 0.95, 0.99)]
        rows.append(["a busy event loop" if busy else "an idle event loop", *shares])
    print(table(["ms for a call on", "median", "95 %", "99 %"], rows))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--largest", type=int, default=50_000)
    arguments = parser.parse_args()
    print(machine())
    with TemporaryDirectory() as name:
        rates(Path(name), arguments.calls, arguments.repeats)
        print()
        growth(Path(name), arguments.largest)
        print()
        waits(Path(name))
    print(f"load at the end {load()}")


if __name__ == "__main__":
    main()
