"""Ours: the public executor, with the events that a run emits for each node and a subscriber."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio

from benchmarks.schedulers.shapes import SHAPES
from engines import Outcome
from orchestrator import Event, Executor, NodeFinished, NodeStarted
from orchestrator.events import EventBus
from orchestrator.execution.critical_path import CriticalPathQueue
from planners import Call, Node, Reference
from planners.plan import Argument


def prepare(
    shape: str, size: int, order: Callable[[], CriticalPathQueue] | None = None
) -> Callable[[], Awaitable[int]]:
    nodes = [
        Call(id=str(number), tool="nothing", arguments=_references(needs))
        for number, needs in enumerate(SHAPES[shape](size))
    ]

    async def run() -> int:
        events = 0

        def count(event: Event) -> None:
            nonlocal events
            events += 1

        bus = EventBus(anyio.current_time, (count,))

        async def run_node(node: Node, outcomes: Mapping[str, Outcome[None]]) -> Outcome[None]:
            bus.emit(NodeStarted(node=node.id))
            outcome: Outcome[None] = Outcome("ok")
            bus.emit(NodeFinished(node=node.id, status=outcome.status))
            return outcome

        if order is None:
            executor = Executor(run_node)
        else:
            queue = order()
            executor = Executor(run_node, queue=queue, priority=queue.add)

        async def write_plan() -> None:
            for node in nodes:
                executor.add(node)

        await executor.run(write_plan)
        assert events == 2 * len(nodes)
        return len(executor.outcomes)

    return run


def _references(needs: tuple[int, ...]) -> dict[str, Argument]:
    return {f"input_{need}": Reference(node=str(need)) for need in needs}


async def barrier() -> float:
    seconds = {"fast": 0.1, "slow": 1.0, "next": 0.0}
    began: dict[str, float] = {}

    async def run_node(node: Node, outcomes: Mapping[str, Outcome[None]]) -> Outcome[None]:
        began[node.id] = anyio.current_time()
        await anyio.sleep(seconds[node.id])
        return Outcome("ok")

    executor = Executor(run_node)

    async def write_plan() -> None:
        for name in ("fast", "slow"):
            executor.add(Call(id=name, tool="sleep"))
        executor.add(Call(id="next", tool="sleep", arguments={"x": Reference(node="fast")}))

    start = anyio.current_time()
    await executor.run(write_plan)
    return began["next"] - start
