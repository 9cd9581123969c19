"""Bare asyncio: a task a node in one TaskGroup, each of which awaits the tasks of its inputs."""

from __future__ import annotations

import asyncio  # noqa: TID251  # it is what is measured
from collections.abc import Awaitable, Callable

from benchmarks.schedulers.shapes import SHAPES


def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
    nodes = SHAPES[shape](size)

    async def run() -> int:
        tasks: list[asyncio.Task[None]] = []
        done = 0

        async def node(needs: tuple[int, ...]) -> None:
            nonlocal done
            for need in needs:
                await tasks[need]
            done += 1

        async with asyncio.TaskGroup() as group:
            for needs in nodes:
                tasks.append(group.create_task(node(needs)))
        return done

    return run


async def barrier() -> float:
    clock = asyncio.get_running_loop().time
    start = clock()

    async def after(fast: asyncio.Task[None]) -> float:
        await fast
        return clock() - start

    async with asyncio.TaskGroup() as group:
        fast = group.create_task(asyncio.sleep(0.1))
        group.create_task(asyncio.sleep(1.0))
        last = group.create_task(after(fast))
    return last.result()
