"""The interface of planners, and two that ask no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engines import Engine, Status

from .plan import Call, Node, Plan, Think
from .validation import Vocabulary, check_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a node, for a planner that looks at results before it goes on.

    Attributes:
        status: How it ended.
        text: Its result as it stands in a prompt; empty where there is none.
        reason: Why there is none, or what cut it.
        data: Its result as other nodes get it: JSON data.
    """

    status: Status
    text: str = ""
    reason: str = ""
    data: Any = None

    @property
    def usable(self) -> bool:
        """Whether there is a result."""
        return self.status in ("ok", "truncated")


class PlanSink(Protocol):
    """Where a planner puts what it writes, while it writes it."""

    @property
    def tokens_left(self) -> int | None:
        """What the run's budget leaves for the plan's work; None where it sets no limit."""
        ...

    def text(self, delta: str) -> None:
        """Takes the planner's text as it comes, for people to read."""
        ...

    def remark(self, text: str) -> None:
        """Takes what a reader of the answer should know of the plan, such as that it was cut."""
        ...

    def node(self, node: Node) -> None:
        """Takes a node, which may start at once; the last one gives the answer.

        Raises:
            PlanError: The node does not fit into the plan.
        """
        ...

    def speculate(self, call: Call | None) -> None:
        """Takes the call that will probably be the next node, so that it may start early, in place of the last guess.

        A hint, which costs nothing but time if it is wrong: the next node, or None, settles it.
        """
        ...

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        """What became of these nodes, in this order, once all have ended."""
        ...


class Planner(Protocol):
    """Turns a question into a plan."""

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Sends the plan's nodes to `sink`, each as soon as it is known.

        Returns:
            Its critical path: the tokens that it generated one after another.

        Raises:
            PlanError: No plan that can be run came out.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SinglePlanner:
    """A plan of one thread that thinks about the whole question."""

    @property
    def given(self) -> Plan:
        """The plan, which no model is asked for."""
        return Plan(nodes=(Think(id="1"),))

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Sends the one node."""
        for node in self.given.nodes:
            sink.node(node)
        return 0


@dataclass(frozen=True, kw_only=True)
class GivenPlanner:
    """A plan that exists already, such as one from a file.

    Attributes:
        given: The plan.
    """

    given: Plan

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        """Checks the whole plan, then sends its nodes.

        Raises:
            InvalidPlan: It cannot be run.
        """
        check_plan(self.given, vocabulary)
        for node in self.given.nodes:
            sink.node(node)
        return 0
