"""Runs the nodes of a plan, each the moment its inputs are there, also while the plan is still being written.

    add ─> TaskGraph ─ ready ─> queue ─> workers ─ run_node ─> outcomes
               ^                                      │
               └────────────────── settle ────────────┘

No polling, no supersteps, no task per node: a worker goes from node to node and ends when none is ready. What it
means to run a node, what becomes of one whose inputs failed, and limits on calls are others' affairs.
"""

from __future__ import annotations

import contextvars
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
import anyio.abc
import anyio.lowlevel

from engines import FifoQueue, Outcome, ReadyQueue, UsageError
from planners import Node

from .graph import TaskGraph
from .places import Place, Places, Wait

T = TypeVar("T")

RunNode = Callable[[Node, Mapping[str, Outcome[T]]], Awaitable[Outcome[T] | None]]

# The place of the node whose code runs, also in tasks that the node starts.
_PLACE: contextvars.ContextVar[Place | None] = contextvars.ContextVar("place", default=None)

# A turn of the event loop costs as much as a third of a node.
_NODES_A_TURN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorStatistics:
    """What an executor is doing.

    Attributes:
        added: Nodes added so far.
        waiting: Of these, the ones that have not begun: an input or a worker is missing.
        running: The ones that have begun and not ended, those that wait for other nodes included.
        ended: The ones that have an outcome.
        workers: Places taken, by nodes that run and do not wait.
    """

    added: int
    waiting: int
    running: int
    ended: int
    workers: int


def _alike(node: Node) -> float:
    return 0


class Executor(Generic[T]):
    """Runs one plan.

    Args:
        run_node: Runs a node whose inputs have all ended, given the outcomes so far, and returns its outcome; None
            where nobody here can end it, so that what needs it waits too. What it raises is a bug and ends the run.
        concurrency: The most nodes that run at the same time; None sets no limit.
        queue: Says which ready node comes next; None takes the one that was ready first.
        priority: How early a node is wanted, smaller first; asked once, when the node is added.
        fail_fast: Whether the first node that fails cancels all others, running or not.

    Raises:
        UsageError: The concurrency is below 1.
    """

    def __init__(
        self,
        run_node: RunNode[T],
        *,
        concurrency: int | None = 64,
        queue: ReadyQueue[Node] | None = None,
        priority: Callable[[Node], float] = _alike,
        fail_fast: bool = False,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise UsageError(f"a concurrency of {concurrency} runs nothing: at least 1 is needed")
        self.outcomes: dict[str, Outcome[T]] = {}
        self._run_node = run_node
        self._places = Places(math.inf if concurrency is None else concurrency)
        self._queue: ReadyQueue[Node] = FifoQueue() if queue is None else queue
        self._priority = priority
        self._fail_fast = fail_fast
        self._failure = ""
        self._graph: TaskGraph[str | Wait] = TaskGraph()
        self._waiting: dict[str, tuple[Node, float]] = {}
        self._waits: set[Wait] = set()
        self._held = 0
        self._added = 0
        self._running = 0
        self._starting = False
        self._workers: anyio.abc.TaskGroup | None = None
        self._context = contextvars.Context()

    def add(self, node: Node) -> None:
        """Adds a node, from the plan or from inside a node that runs; its dependencies have to be there.

        Raises:
            ValueError: A node of this name is there already.
            KeyError: A dependency is not there.
            RuntimeError: The run has ended.
        """
        ready = self._graph.add(node.id, node.dependencies)
        self._added += 1
        if ready:
            self._queue.push(node, priority=self._priority(node))
            self._start_worker()
        else:
            self._waiting[node.id] = (node, self._priority(node))

    async def run(self, write_plan: Callable[[], Awaitable[None]]) -> None:
        """Runs until `write_plan` has returned and every node has ended, but for those that wait for one that cannot.

        Where nothing is left that could run and the plan's writer waits for such a node, it is cancelled.
        """
        # Workers begin with this context, whoever starts them: what a node sets in its own stays there.
        self._context = contextvars.copy_context()
        async with anyio.create_task_group() as self._workers:
            self._start_worker()
            await write_plan()
        if self._failure:
            cancelled: Outcome[T] = Outcome("cancelled", reason=self._failure)
            self.outcomes.update(
                (task, cancelled) for task in self._graph.unsettled() if isinstance(task, str)
            )

    @property
    def failure(self) -> str:
        """Why all nodes were cancelled; empty if they were not."""
        return self._failure

    async def wait(self, nodes: Iterable[str]) -> dict[str, Outcome[T]]:
        """Waits for nodes and returns their outcomes in the order given; for planners, and for nodes that fork.

        A node that waits lends its place to another, so that forks may nest to any depth at any concurrency. It goes
        on when it has a place again, and at once when it is cancelled.

        Raises:
            KeyError: A node is not there.
            RuntimeError: All nodes that run wait for one another.
        """
        names = tuple(nodes)
        over = anyio.Event()
        wait = Wait(self._place_of_caller(), over.set)
        if self._graph.add(wait, names):
            over.set()
        else:
            self._waits.add(wait)
            self._places.lend(wait)
        try:
            self._fill_places()
            await over.wait()
        finally:
            self._graph.forget(wait)
            self._waits.discard(wait)
            if not over.is_set():
                self._places.abandon(wait)
        return {name: self.outcomes[name] for name in names}

    async def aside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Awaits what needs no place, such as a person's answer, while another node has the caller's.

        Raises what `work` raises, once the node has a place again.
        """
        over = anyio.Event()
        wait = Wait(self._place_of_caller(), over.set, outside=True)
        self._places.lend(wait)
        try:
            self._fill_places()
            try:
                await work()
            finally:
                self._places.finish(wait)
                await over.wait()
        finally:
            if not over.is_set():
                self._places.abandon(wait)

    def statistics(self) -> ExecutorStatistics:
        """What it is doing now."""
        return ExecutorStatistics(
            added=self._added,
            waiting=self._added - self._running - len(self.outcomes),
            running=self._running,
            ended=len(self.outcomes),
            workers=self._places.taken,
        )

    async def _work(self) -> None:
        place = Place(self._places)
        _PLACE.set(place)
        self._starting = False
        while (node := self._next_node()) is not None:
            place.node = node.id
            self._running += 1
            try:
                outcome = await self._run_node(node, self.outcomes)
            finally:
                self._running -= 1
            if outcome is None:
                self._held += 1
            else:
                self._end(node, outcome)
            # Nodes that never suspend must not keep the others, or a cancellation, from their turn.
            if (len(self.outcomes) + self._held) % _NODES_A_TURN == 0:
                await anyio.lowlevel.checkpoint()

    def _next_node(self) -> Node | None:
        """What a worker does next; None if it gave up its place and has to end."""
        if self._places.wanted or not len(self._queue):
            self._places.release()
            self._fill_places()
            return None
        node = self._queue.pop()
        self._start_worker()
        return node

    def _end(self, node: Node, outcome: Outcome[T]) -> None:
        self.outcomes[node.id] = outcome
        for task in self._graph.settle(node.id):
            if not isinstance(task, Wait):
                ready, priority = self._waiting.pop(task)
                self._queue.push(ready, priority=priority)
            # Who was cancelled waits no more, though the node may end all the same.
            elif task in self._waits:
                self._waits.remove(task)
                self._places.finish(task)
        if self._fail_fast and outcome.status == "failed" and self._workers is not None:
            self._failure = self._failure or f"node {node.id!r} failed: {outcome.reason}"
            self._workers.cancel_scope.cancel()

    def _start_worker(self) -> None:
        """Starts a worker if a node waits for one, which starts the next when it has taken its node.

        One at a time, so that nodes that take no time are run by few workers however many are ready.
        """
        if self._workers is None or self._starting or not len(self._queue):
            return
        if self._places.take():
            self._starting = True
            self._context.copy().run(self._workers.start_soon, self._work)

    def _fill_places(self) -> None:
        self._start_worker()
        if self._held and self._waits and self._places.idle and self._workers is not None:
            # What is waited for cannot come, and nothing else can either.
            self._workers.cancel_scope.cancel()
        elif self._places.stuck:
            raise RuntimeError(
                f"nodes {self._places.stuck} wait for nodes that cannot begin before they end"
            )

    def _place_of_caller(self) -> Place:
        place = _PLACE.get()
        # Who is no node of this executor has no place to lend.
        return place if place and place.owner is self._places else Place(self._places, waits=1)
