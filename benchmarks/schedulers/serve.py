"""Measures one scheduler in a process of its own: python -m benchmarks.schedulers.serve MODULE

Reads a request a line from stdin and writes a figure a line to stdout:

    ["time", SHAPE, SIZE]      µs of processor time a node; small graphs are run often, for their median
    ["memory", SHAPE, SIZE]    bytes a node at the peak, beyond what was prepared
    ["barrier"]                seconds until the successor of the fast branch began
"""

from __future__ import annotations

import gc
import importlib
import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import anyio

NODES_AT_LEAST = 10_000


def serve(module: Any) -> None:

    @cache
    def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
        prepared: Callable[[], Awaitable[int]] = module.prepare(shape, size)
        # The graphs of other requests are no garbage of this one.
        gc.collect()
        gc.freeze()
        return prepared

    for line in sys.stdin:
        what, *arguments = json.loads(line)
        if what == "barrier":
            figure = anyio.run(module.barrier)
        else:
            shape, size = arguments
            measure = {"time": _microseconds, "memory": _bytes}[what]
            figure = anyio.run(measure, prepare(shape, size), size)
        print(json.dumps(figure), flush=True)


async def _microseconds(run: Callable[[], Awaitable[int]], size: int) -> float:
    gc.collect()
    figures = []
    for _ in range(max(1, NODES_AT_LEAST // size)):
        # Not the time on the wall: others use the same cores.
        start = time.process_time()
        nodes = await run()
        figures.append((time.process_time() - start) / size * 1e6)
        assert nodes == size
    return statistics.median(figures)


async def _bytes(run: Callable[[], Awaitable[int]], size: int) -> float:
    gc.collect()
    tracemalloc.start()
    await run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / size


if __name__ == "__main__":
    serve(importlib.import_module(f"benchmarks.schedulers.{sys.argv[1]}"))
