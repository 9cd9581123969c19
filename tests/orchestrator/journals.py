"""What the tests of the journal share: engines that tell calls apart, and a run that begins again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from engines import Context, Engine, FakeEngine, Sampling, Segment, converse
from orchestrator.journal import Journal, JournaledEngine, open_journal


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
