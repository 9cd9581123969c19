"""The interface of planners, and two that ask no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engines import Engine

from .plan import Node, Plan, Think
from .validation import Vocabulary, check_plan


class PlanSink(Protocol):
    """Where a planner puts what it writes, while it writes it."""

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


class Planner(Protocol):
    """Turns a question into a plan."""

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> None:
        """Sends the plan's nodes to `sink`, each as soon as it is known.

        Raises:
            PlanError: No plan that can be run came out.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SinglePlanner:
    """A plan of one thread that thinks about the whole question."""

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> None:
        """Sends the one node."""
        sink.node(Think(id="1"))


@dataclass(frozen=True, kw_only=True)
class GivenPlanner:
    """A plan that exists already, such as one from a file.

    Attributes:
        given: The plan.
    """

    given: Plan

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> None:
        """Checks the whole plan, then sends its nodes.

        Raises:
            InvalidPlan: It cannot be run.
        """
        check_plan(self.given, vocabulary)
        for node in self.given.nodes:
            sink.node(node)
