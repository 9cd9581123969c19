"""A plan that is carried out while it comes in: each node starts as soon as its inputs are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engines import Outcome
from planners import Call, Finding, Node, Vocabulary

from .budget import Purse
from .events import EventBus
from .execution.executor import Executor
from .incoming_plan import IncomingPlan
from .node_runner import Result
from .resolve import as_text
from .tools.speculation import Speculation


class ExecutedPlan(IncomingPlan):
    """Where a run's planner puts its nodes.

    Args:
        question: What the plan is for.
        vocabulary: What it may name.
        purse: The budget.
        bus: Takes the events.
        executor: Runs the nodes.
        speculation: Starts the calls that will probably come next.
    """

    def __init__(
        self,
        question: str,
        vocabulary: Vocabulary,
        purse: Purse,
        bus: EventBus,
        *,
        executor: Executor[Result],
        speculation: Speculation,
    ) -> None:
        super().__init__(question, vocabulary, purse, bus)
        self._executor = executor
        self._speculation = speculation

    def node(self, node: Node) -> None:
        """Takes a node and starts it as soon as its inputs are there."""
        super().node(node)
        self._speculation.settle(node)
        self._executor.add(node)

    def speculate(self, call: Call | None) -> None:
        """Takes the call that will probably come next."""
        self._speculation.guess(call)

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        """What became of these nodes, once all have ended."""
        outcomes = await self._executor.wait(nodes)
        return {name: _finding(outcome) for name, outcome in outcomes.items()}

    def end(self) -> None:
        """Takes that no node comes any more."""
        self._speculation.guess(None)
        super().end()


def _finding(outcome: Outcome[Result]) -> Finding:
    if not outcome.usable or outcome.value is None:
        return Finding(status=outcome.status, reason=outcome.reason)
    data = outcome.value.data
    return Finding(status=outcome.status, text=as_text(data), reason=outcome.reason, data=data)
