"""Times of things that are compared: in turns, since machines drift, after a round that only warms up."""

from __future__ import annotations

import math
import statistics
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import anyio

T = TypeVar("T")

Run = Callable[[str], Awaitable[object]]
"""Does it once. It is given a name of its own, so that prompts can differ and nothing is in the cache."""


async def together(calls: Sequence[Callable[[], Coroutine[Any, Any, object]]]) -> float:
    """Seconds for all calls at the same time."""
    start = anyio.current_time()
    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(call)
    return anyio.current_time() - start


async def in_turns(
    runs: Mapping[str, Run], repeats: int, warm: int = 1, within: float = math.inf
) -> dict[str, list[float]]:
    """Seconds of each run, in rounds as those of `collected`."""
    timed = {name: partial(_timed, run) for name, run in runs.items()}
    return await collected(timed, repeats, warm, within)


async def collected(
    runs: Mapping[str, Callable[[str], Awaitable[T]]],
    repeats: int,
    warm: int = 1,
    within: float = math.inf,
) -> dict[str, list[T]]:
    """What each run returns, in rounds of all runs, each round in another order.

    Args:
        runs: By name.
        repeats: So many rounds count.
        warm: So many before them do not, and only warm up.
        within: No round begins after so many seconds, but for the first that counts.
    """
    found: dict[str, list[T]] = {name: [] for name in runs}
    names = list(runs)
    start = anyio.current_time()
    for number in range(warm + repeats):
        if number > warm and anyio.current_time() - start > within:
            break
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            result = await runs[name](f"{name}-{number}")
            if number >= warm:
                found[name].append(result)
    return found


async def busy(
    run: Callable[[], Awaitable[object]], *clocks: Callable[[], float]
) -> tuple[float, ...]:
    """Does it once.

    Args:
        run: What is done.
        clocks: Each tells how many seconds of a processor somebody has used so far. They are read from the outside in:
            the last one sees nothing of what it takes to read the others.

    Returns:
        The seconds that it took, and for each clock the share of a processor that was used meanwhile.
    """
    before = [clock() for clock in clocks]
    start = anyio.current_time()
    await run()
    seconds = anyio.current_time() - start
    after = [clock() for clock in reversed(clocks)]
    return seconds, *(
        (now - was) / seconds for now, was in zip(reversed(after), before, strict=True)
    )


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' ratios, so that what disturbs a round disturbs both.

    >>> ratio([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])
    2.0
    """
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


async def _timed(run: Run, name: str) -> float:
    (seconds,) = await busy(partial(run, name))
    return seconds
