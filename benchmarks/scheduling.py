"""The executor's overhead a node, with nodes that do nothing, against bare anyio tasks."""

import time
from collections.abc import Awaitable, Callable, Mapping

import anyio

from engines import Outcome
from orchestrator import Executor
from planners import Call, Node, Reference

NODES = 2_000
REPEATS = 5


def fan(size: int) -> list[Node]:
    return [Call(id=str(i), tool="no_op") for i in range(size)]


def chain(size: int) -> list[Node]:
    first = Call(id="0", tool="no_op")
    rest = [
        Call(id=str(i), tool="no_op", arguments={"x": Reference(node=str(i - 1))})
        for i in range(1, size)
    ]
    return [first, *rest]


async def no_op(node: Node, outcomes: Mapping[str, Outcome[None]]) -> Outcome[None]:
    return Outcome("ok")


async def run_executor(nodes: list[Node]) -> None:
    executor = Executor(no_op)

    async def write_plan() -> None:
        for node in nodes:
            executor.add(node)

    await executor.run(write_plan)


async def run_bare(nodes: list[Node]) -> None:
    """A task a node, in one task group: the floor of a scheduler without a graph."""
    async with anyio.create_task_group() as group:
        for node in nodes:
            group.start_soon(no_op, node, {})


async def fastest(function: Callable[[list[Node]], Awaitable[None]], nodes: list[Node]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        await function(nodes)
        times.append(time.perf_counter() - start)
    return min(times)


async def main() -> None:
    bare = await fastest(run_bare, fan(NODES))
    for shape in (fan, chain):
        nodes = shape(NODES)
        ours = await fastest(run_executor, nodes)
        print(
            f"scheduling, {shape.__name__} of {NODES}: {ours / NODES * 1e6:.1f} µs a node, "
            f"{ours / bare:.2f} x a bare anyio task"
        )
