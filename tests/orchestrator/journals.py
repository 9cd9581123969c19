"""What the tests of the journal share: engines that tell calls apart, and a run that begins again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from engines import Context, Engine, FakeEngine, Sampling, Segment, converse
from orchestrator.journal import Journal, JournaledEngine, open_journal
from orchestrator.journal.schema import connect
from reasoning import Answer, ChainOfThought


def reply(context: Context, sampling: Sampling) -> str:
    """A text that depends on everything that a call is made of."""
    digest = hashlib.sha256(context.digest + str(sampling.seed).encode()).hexdigest()
    return f"{context.path}: {digest}"


async def question(engine: Engine, name: str = "root") -> Context:
    return await converse(engine, [("user", "Why is the sea salty?"), ("assistant", "")], name=name)


async def journaled(path: Path, use: Callable[[JournaledEngine], Awaitable[object]]) -> FakeEngine:
    """Opens a journal, uses an engine with it, and gives back the engine that was asked."""
    inner = FakeEngine(reply, chunk_tokens=7)
    async with open_journal(path) as journal:
        await use(JournaledEngine(inner, journal))
    return inner


async def tree_search(engine: Engine, width: int, depth: int, seed: int | None = 1) -> list[str]:
    """A method that forks, goes on from what was generated and forks again, side by side."""
    texts: dict[str, str] = {}

    async def grow(context: Context, left: int) -> None:
        sampling = Sampling(seed=seed).for_branch(context.path)
        completion = await engine.generate(context, sampling)
        texts[context.path] = completion.text
        if left:
            async with anyio.create_task_group() as group:
                for number in range(width):
                    more = Segment("user", f"and {number}?", tuple(map(ord, f"and {number}?")))
                    group.start_soon(grow, completion.context.fork(str(number), more), left - 1)

    await grow(await question(engine), depth)
    return [texts[path] for path in sorted(texts)]


def finished_in(journal: Journal) -> int:
    """How many calls the journal answers."""
    return len(journal.index.finished)


def rows(path: Path, table: str) -> int:
    """How many rows a table has."""
    connection = sqlite3.connect(path)
    try:
        ((count,),) = connection.execute(f"SELECT count(*) FROM {table}")
    finally:
        connection.close()
    return int(count)


class Disk(sqlite3.Connection):
    """A connection to a journal on a disk that may be full."""

    full = False

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        if self.full and sql.startswith("INSERT"):
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *arguments)  # type: ignore[arg-type]


def disk_at(path: Path) -> Disk:
    """A journal there, made if there is none."""
    connect(path).close()
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Disk)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


@dataclass
class FillingUp:
    """Journals on a disk that is full once a call is left, and what leaves one: its own method on its own engine.

    Of what is written, what the call has spent that was left is the last.
    """

    answer: str
    disks: list[Disk] = field(default_factory=list, repr=False)

    def connect(self, path: Path) -> Disk:
        """In the place of `orchestrator.journal.journal.connect`."""
        self.disks.append(disk_at(path))
        return self.disks[-1]

    def engine(self) -> FakeEngine:
        """Answers a call once another one is there, which it leaves unanswered."""
        begun = anyio.Event()

        async def script(context: Context, sampling: Sampling) -> str:
            if not context.path.endswith("/left"):
                await begun.wait()
                return self.answer
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                for disk in self.disks:
                    disk.full = True
            raise AssertionError("nobody answers it")

        return FakeEngine(script)

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Takes the first of two answers."""
        thinks = ChainOfThought(sampling=Sampling(seed=1))
        async with anyio.create_task_group() as group:
            group.start_soon(thinks.solve, context.fork("left"), engine)
            answer = await thinks.solve(context.fork("first"), engine)
            group.cancel_scope.cancel()
        return answer
