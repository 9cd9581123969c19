"""Runs the nodes of a plan, each the moment its inputs are there, also while the plan is still being written.

A pool of workers takes nodes from a ready queue: no polling, no supersteps, and no task is spawned per node.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import anyio

from engines import Outcome
from planners import Node

from .graph import TaskGraph

T = TypeVar("T")

RunNode = Callable[[Node, Mapping[str, Outcome[T]]], Awaitable[Outcome[T]]]


class Executor(Generic[T]):
    """Runs one plan.

    Args:
        run_node: Runs a node whose inputs have all ended, given the outcomes so far, and returns its outcome. What
            it raises is a bug and ends the run.
        concurrency: The most nodes that run at the same time.
    """

    def __init__(self, run_node: RunNode[T], *, concurrency: int = 64) -> None:
        self.outcomes: dict[str, Outcome[T]] = {}
        self._run_node = run_node
        self._concurrency = concurrency
        self._graph = TaskGraph()
        self._nodes: dict[str, Node] = {}
        self._queue, self._ready = anyio.create_memory_object_stream[Node](math.inf)
        self._plan_is_complete = False

    def add(self, node: Node) -> None:
        """Adds a node to the running plan; its dependencies have to be there."""
        self._nodes[node.id] = node
        if self._graph.add(node.id, node.dependencies):
            self._queue.send_nowait(node)

    async def run(self, write_plan: Callable[[], Awaitable[None]]) -> None:
        """Runs until `write_plan` has returned and every node that it added has ended."""
        async with self._queue, self._ready, anyio.create_task_group() as workers:
            for _ in range(self._concurrency):
                workers.start_soon(self._work)
            await write_plan()
            self._plan_is_complete = True
            self._close_when_done()

    async def _work(self) -> None:
        async for node in self._ready:
            self.outcomes[node.id] = await self._run_node(node, self.outcomes)
            for ready in self._graph.settle(node.id):
                self._queue.send_nowait(self._nodes[ready])
            self._close_when_done()

    def _close_when_done(self) -> None:
        if self._plan_is_complete and not self._graph.unsettled:
            self._queue.close()
