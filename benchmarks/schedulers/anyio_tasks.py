"""Bare anyio: a task a node in one task group, each of which waits for the events of its inputs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from benchmarks.schedulers.shapes import SHAPES


def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
    nodes = SHAPES[shape](size)

    async def run() -> int:
        events = [anyio.Event() for _ in nodes]
        done = 0

        async def node(number: int, needs: tuple[int, ...]) -> None:
            nonlocal done
            for need in needs:
                await events[need].wait()
            done += 1
            events[number].set()

        async with anyio.create_task_group() as group:
            for number, needs in enumerate(nodes):
                group.start_soon(node, number, needs)
        return done

    return run


async def barrier() -> float:
    start = anyio.current_time()
    began = 0.0
    done = anyio.Event()

    async def fast() -> None:
        await anyio.sleep(0.1)
        done.set()

    async def after() -> None:
        nonlocal began
        await done.wait()
        began = anyio.current_time()

    async with anyio.create_task_group() as group:
        group.start_soon(fast)
        group.start_soon(anyio.sleep, 1.0)
        group.start_soon(after)
    return began - start
