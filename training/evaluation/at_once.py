"""Work of one kind that is done at the same time: what one waits for in the end would leave the engine idle.

work ─> a task group ─> what came of it, in the order in which it was given
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from engines import single_error

T = TypeVar("T")


async def at_once(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Does all at the same time.

    Args:
        works: What is to be done.

    Returns:
        What came of each, in this order.

    Raises:
        ForkjoinError: The first error, which ends the others.
    """
    came: dict[int, T] = {}

    async def do(number: int, work: Callable[[], Awaitable[T]]) -> None:
        came[number] = await work()

    with single_error():
        async with anyio.create_task_group() as group:
            for number, work in enumerate(works):
                group.start_soon(do, number, work)
    return [came[number] for number in range(len(works))]
