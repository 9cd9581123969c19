"""The order "longest way to the end first", for plans that are still being written. Pure: no task, no clock.

A node's rank is what it is expected to take together with the longest chain of nodes that depend on it. Whoever takes
the ready node of the highest rank first keeps the critical path going, and fills the other places with what is short
(list scheduling by bottom level; Graham's bound, 2 - 1/m of the optimum, holds for it as for any other order).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engines import ReadyQueue
from planners import Node

# Ranks are worked out again when at least one in so many of the nodes that have not begun is new. The work for a node
# added is thus at most so many steps in the long run, however the plan and the run take turns.
_NEW_ONE_IN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSeconds:
    """What nodes are expected to take, in seconds, when nothing holds them up. Any scale will do for an order.

    Attributes:
        think_tokens: What a thread generates: its token limit, unless more is known.
        reduce_tokens: What a reduction generates; 0 for a vote.
        seconds_per_token: Of one thread while others run.
        tools: What a call of each tool usually takes; may grow while it is used.
        tool: For tools that are not among them.
        tokens: What is known of a thread of a method, or of a reduction by a reducer, by the name of either: the tokens
            that it generates one after another.
        method: The name of the method of nodes that name none.
        reducer: The name of the reducer that takes the place of each node's own; empty leaves it to the nodes.
    """

    think_tokens: int
    reduce_tokens: int = 0
    seconds_per_token: float = 0.02
    tools: Mapping[str, float] = field(default_factory=dict)
    tool: float = 1.0
    tokens: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    reducer: str = ""

    def __call__(self, node: Node) -> float:
        """What this node is expected to take."""
        if node.kind == "call":
            return self.tools.get(node.tool, self.tool)
        return self.tokens_of(node) * self.seconds_per_token

    def tokens_of(self, node: Node) -> float:
        """What this node is expected to generate, in each of its threads."""
        limit = self.limit_of(node)
        return min(limit, self.tokens.get(self.name_of(node), limit))

    def limit_of(self, node: Node) -> int:
        """The most that a call of this node may generate."""
        if node.kind == "think":
            own = node.max_tokens or self.think_tokens
            return own if node.method else min(self.think_tokens, own)
        return self.reduce_tokens if node.kind == "reduce" else 0

    def name_of(self, node: Node) -> str:
        """The name of the method or reducer of this node; empty where there is none, or it is not known."""
        return configuration_of(node, self.method, self.reducer)


def configuration_of(node: Node, method: str, reducer: str) -> str:
    """The name of the method or reducer of a node; empty where there is none, or it is not known.

    Args:
        node: The node.
        method: That of nodes that name none.
        reducer: What takes the place of each node's own; empty leaves it to the nodes.
    """
    if node.kind == "think":
        return node.method or method
    return reducer or node.reducer if node.kind == "reduce" else ""


@dataclass(slots=True, eq=False)
class _Task:
    node: Node
    number: int
    cost: float
    rank: float
    needs: tuple[str, ...]
    taken: bool = False

    @property
    def place(self) -> tuple[float, int, _Task]:
        """Where it stands among those that are ready: of equal ones, the first in the plan comes first."""
        return (-self.rank, self.number, self)


class CriticalPathQueue(ReadyQueue[Node]):
    """Ready nodes, the one with the longest way to the end first.

    Every node has to be added before it is pushed, and in an order that can be run:
    `Executor(..., queue=queue, priority=queue.add)`.

    Nodes that come later make the way longer. Ranks follow in steps, so that a node costs the same in a plan of any
    size: at any time, at most an eighth of the nodes that have not begun are not counted in them yet.

    Args:
        cost: What a node is expected to take, on any scale.

    >>> from planners import Call, Think
    >>> queue = CriticalPathQueue(ExpectedSeconds(think_tokens=100))
    >>> for node in (Call(id="short", tool="add"), Think(id="long"), Think(id="last", after="long")):
    ...     _ = queue.add(node)
    ...     if not node.dependencies:
    ...         queue.push(node)
    >>> queue.pop().id
    'long'
    """

    def __init__(self, cost: Callable[[Node], float]) -> None:
        self._cost = cost
        # Nodes that have not been taken; what comes before the others matters no more.
        self._tasks: dict[str, _Task] = {}
        # The same and some that have been taken, in the order of adding: a node comes before its dependents.
        self._order: list[_Task] = []
        self._ready: list[tuple[float, int, _Task]] = []
        self._added = 0
        self._new = 0

    def add(self, node: Node) -> float:
        """Learns of a node before it is ready.

        Returns:
            Its priority as far as is known: smaller is earlier.
        """
        cost = self._cost(node)
        task = _Task(node, self._added, cost, cost, node.dependencies)
        self._tasks[node.id] = task
        self._order.append(task)
        self._added += 1
        self._new += 1
        return -cost

    def push(self, item: Node, *, priority: float = 0, owner: str = "") -> None:
        """Adds a node that is ready; its place is by its rank alone.

        Raises:
            KeyError: The node was not added.
        """
        heapq.heappush(self._ready, self._tasks[item.id].place)

    def pop(self) -> Node:
        """Takes the node with the longest way to the end."""
        if self._new * _NEW_ONE_IN >= len(self._tasks):
            self._rank()
        _, _, task = heapq.heappop(self._ready)
        task.taken = True
        del self._tasks[task.node.id]
        return task.node

    def __len__(self) -> int:
        return len(self._ready)

    def rank(self, node: str) -> float:
        """The exact cost of the longest way from a node that has not been taken to the end, its own included.

        Raises:
            KeyError: The node is not there, or has been taken.
        """
        self._rank()
        return self._tasks[node].rank

    def _rank(self) -> None:
        self._order = [task for task in self._order if not task.taken]
        # From the end: when a node's turn comes, all that depend on it have told it their ranks.
        for task in reversed(self._order):
            for name in task.needs:
                before = self._tasks.get(name)
                if before is not None and before.cost + task.rank > before.rank:
                    before.rank = before.cost + task.rank
        self._ready = [task.place for _, _, task in self._ready]
        heapq.heapify(self._ready)
        self._new = 0
