"""Carries out a plan on paper: when each node would run, and what the whole would take (after APEX, Lin et al. 2024).

    plan ─ ready ─> queue ─ places ─> nodes ─ slots ─> threads ─> the engine's pace
                                        └──> calls of tools

A simulation of discrete events with the executor's own graph and queue, so that both take nodes in the same order.
Threads run at one pace, which may depend on how many there are. Pure: it knows no engine and no clock, and what nodes
take is said by others.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engines import PriorityQueue, UsageError
from planners import Node, Plan

from ..execution.critical_path import CriticalPathQueue, ExpectedSeconds
from ..execution.graph import TaskGraph

Pace = Callable[[int], float]
"""The seconds that a thread takes for a token while so many run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a node runs, in seconds since the plan was there.

    Attributes:
        start: When its inputs are there and a place is free.
        end: When it has its result.
        threads: Side by side, in which it generates.
    """

    start: float
    end: float
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a plan would take.

    Attributes:
        spans: When each node runs, in the order of the plan.
        seconds: Until the last node ends.
        critical_path: The nodes of the longest chain, each of which needs the one before it.
        critical_seconds: What this chain takes when nothing holds it up; no order of the nodes takes less.
        peak_threads: The most threads that run at the same time.
        peak_nodes: The most nodes that do.
    """

    spans: Mapping[str, Span]
    seconds: float
    critical_path: tuple[str, ...]
    critical_seconds: float
    peak_threads: int
    peak_nodes: int


def simulate(
    plan: Plan,
    expected: ExpectedSeconds,
    *,
    threads: Callable[[Node], int] = lambda node: 1,
    concurrency: float = math.inf,
    width: float = math.inf,
    pace: Pace | None = None,
) -> Simulation:
    """What a plan would take.

    Args:
        plan: Its nodes are in an order that can be run.
        expected: What each node takes and generates.
        threads: How many threads a node that generates has, side by side.
        concurrency: The most nodes that run at the same time.
        width: The most calls of the engine at the same time; a thread is one call after another.
        pace: What a token takes while so many threads run; None is what `expected` says, however many there are.

    Raises:
        UsageError: The concurrency or the width is below 1.

    >>> from planners import Call, Reduce
    >>> nodes = (Call(id="1", tool="f"), Call(id="2", tool="g"), Reduce(id="3", inputs=("1", "2"), reducer="first"))
    >>> expected = ExpectedSeconds(think_tokens=100, tools={"f": 2, "g": 3})
    >>> found = simulate(Plan(nodes=nodes), expected)
    >>> found.seconds, found.critical_path
    (3.0, ('2', '3'))
    """
    if concurrency < 1 or width < 1:
        raise UsageError("nothing runs at a concurrency or a width below 1")
    running = _Running(
        plan, expected, threads, concurrency, width, pace or (lambda n: expected.seconds_per_token)
    )
    running.to_end()
    costs = {node.id: expected(node) for node in plan.nodes}
    path = longest_chain(plan, costs)
    return Simulation(
        spans={node.id: running.spans[node.id] for node in plan.nodes},
        seconds=running.now,
        critical_path=path,
        critical_seconds=sum(costs[node] for node in path),
        peak_threads=running.peak_threads,
        peak_nodes=running.peak_nodes,
    )


def longest_chain(plan: Plan, costs: Mapping[str, float]) -> tuple[str, ...]:
    """The chain of nodes that costs the most, from its first node; of equal ones, the one with the later end."""
    ways: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for node in plan.nodes:
        slowest = max(node.dependencies, key=ways.__getitem__, default=None)
        ways[node.id] = costs[node.id] + (0 if slowest is None else ways[slowest])
        before[node.id] = slowest
    last: str | None = max(reversed(ways), key=ways.__getitem__)
    chain = []
    while last is not None:
        chain.append(last)
        last = before[last]
    return tuple(reversed(chain))


@dataclass(slots=True, eq=False)
class _Task:
    node: Node
    start: float
    threads: int
    unfinished: int


class _Running:
    """A plan that runs, from event to event.

    Threads are kept by the token at which they end, on a count that grows at the pace of all: so a change of pace
    changes none of them.
    """

    def __init__(
        self,
        plan: Plan,
        expected: ExpectedSeconds,
        threads: Callable[[Node], int],
        concurrency: float,
        width: float,
        pace: Pace,
    ) -> None:
        self.now = 0.0
        self.spans: dict[str, Span] = {}
        self.peak_threads = self.peak_nodes = 0
        self._expected = expected
        self._threads_of = threads
        self._places = concurrency
        self._slots = width
        self._pace = pace
        self._token = 0.0
        self._number = 0
        self._nodes_running = 0
        # Until when nodes run that are no threads, and up to which token threads do.
        self._calls: list[tuple[float, int, _Task]] = []
        self._threads: list[tuple[float, int, _Task]] = []
        self._waiting: PriorityQueue[_Task] = PriorityQueue()
        self._queue = CriticalPathQueue(expected)
        self._graph: TaskGraph[str] = TaskGraph()
        self._nodes = {node.id: node for node in plan.nodes}

    def to_end(self) -> None:
        ready = []
        for node in self._nodes.values():
            self._queue.add(node)
            if self._graph.add(node.id, node.dependencies):
                ready.append(node)
        for node in ready:
            self._queue.push(node)
        self._fill()
        while self._calls or self._threads:
            self._step()

    def _step(self) -> None:
        """Goes to what ends next, and ends it."""
        pace = self._pace(len(self._threads))
        thread_end = math.inf
        if self._threads:
            thread_end = self.now + (self._threads[0][0] - self._token) * pace
        call_end = self._calls[0][0] if self._calls else math.inf
        if thread_end <= call_end:
            self.now = thread_end
            self._token, _, task = heapq.heappop(self._threads)
            self._slots += 1
            self._serve()
        else:
            if pace:
                self._token += (call_end - self.now) / pace
            self.now, _, task = heapq.heappop(self._calls)
        task.unfinished -= 1
        if not task.unfinished:
            self._end(task)

    def _end(self, task: _Task) -> None:
        self.spans[task.node.id] = Span(start=task.start, end=self.now, threads=task.threads)
        self._places += 1
        self._nodes_running -= 1
        for name in self._graph.settle(task.node.id):
            self._queue.push(self._nodes[name])
        self._fill()

    def _fill(self) -> None:
        while self._places >= 1 and len(self._queue):
            self._places -= 1
            self._nodes_running += 1
            self.peak_nodes = max(self.peak_nodes, self._nodes_running)
            self._begin(self._queue.pop())

    def _begin(self, node: Node) -> None:
        if not self._expected.tokens_of(node):
            task = _Task(node, self.now, 0, 1)
            heapq.heappush(self._calls, (self.now + self._expected(node), self._next(), task))
            return
        threads = self._threads_of(node)
        task = _Task(node, self.now, threads, threads)
        for _ in range(threads):
            # As calls wait for the engine: those that may become long come first.
            self._waiting.push(task, priority=-self._expected.limit_of(node))
        self._serve()

    def _serve(self) -> None:
        while self._slots >= 1 and len(self._waiting):
            self._slots -= 1
            task = self._waiting.pop()
            end = self._token + self._expected.tokens_of(task.node)
            heapq.heappush(self._threads, (end, self._next(), task))
            self.peak_threads = max(self.peak_threads, len(self._threads))

    def _next(self) -> int:
        self._number += 1
        return self._number
