"""Times of things that are compared: in turns, since machines drift, after a round that only warms up."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import anyio

Run = Callable[[str], Awaitable[object]]
"""Does it once. It is given a name of its own, so that prompts can differ and nothing is in the cache."""


async def together(calls: Sequence[Callable[[], Coroutine[Any, Any, object]]]) -> float:
    """Seconds for all calls at the same time."""
    start = anyio.current_time()
    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(call)
    return anyio.current_time() - start


async def in_turns(runs: Mapping[str, Run], repeats: int, warm: int = 1) -> dict[str, list[float]]:
    """Seconds of each run, so many times, each round in another order; the first rounds only warm up."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for number in range(warm + repeats):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            start = anyio.current_time()
            await runs[name](f"{name}-{number}")
            if number >= warm:
                found[name].append(anyio.current_time() - start)
    return found


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' ratios, so that what disturbs a round disturbs both.

    >>> ratio([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])
    2.0
    """
    return statistics.median(a / b for a, b in zip(over, under, strict=True))
