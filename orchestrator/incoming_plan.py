"""The plan of a run as its planner writes it: checked node by node, told as events, complete in the end.

It knows what a planner may ask of whoever takes its plan, but for what carries the plan out.
"""

from __future__ import annotations

from planners import Node, Plan, PlanChecker, PlanError, Vocabulary

from .budget import Purse
from .events import EventBus, NodePlanned, PlanFinished, PlanText


class IncomingPlan:
    """A `planners.PlanSink` but for `wait` and `speculate`, which its kinds have.

    Args:
        question: What the plan is for.
        vocabulary: What it may name.
        purse: The budget.
        bus: Takes the events.

    Attributes:
        nodes: So far.
        remarks: What a reader of the answer should know of the plan.
        complete: Whether no node comes any more.
    """

    def __init__(self, question: str, vocabulary: Vocabulary, purse: Purse, bus: EventBus) -> None:
        self.nodes: list[Node] = []
        self.remarks: list[str] = []
        self.complete = False
        self._question = question
        self._checker = PlanChecker(vocabulary)
        self._purse = purse
        self._bus = bus
        self._texts: list[str] = []

    @property
    def tokens_left(self) -> int | None:
        """What the budget leaves for the plan's work; None where it sets no limit."""
        work = self._purse.work
        limit = None if work.limits is None else work.limits.tokens
        usage = work.spent.usage
        spent = usage.prompt_tokens + usage.generated_tokens
        return None if limit is None else max(0, limit - spent)

    def text(self, delta: str) -> None:
        """Takes the planner's text."""
        self._texts.append(delta)
        self._bus.emit(PlanText(delta=delta))

    def remark(self, text: str) -> None:
        """Takes what a reader of the answer should know of the plan."""
        self.remarks.append(text)

    def node(self, node: Node) -> None:
        """Takes a node.

        Raises:
            PlanError: It does not fit into the plan.
        """
        self._checker.check(node)
        self.nodes.append(node)
        self._bus.emit(NodePlanned(node=node))

    def end(self) -> None:
        """Takes that no node comes any more.

        Raises:
            PlanError: There was none.
        """
        if not self.nodes:
            raise PlanError("the plan: it has no nodes")
        self.complete = True
        self._bus.emit(PlanFinished(text="".join(self._texts)))

    def gives_answer(self, node: Node) -> bool:
        """Whether this node is known to be the last."""
        return self.complete and self.nodes[-1] is node

    @property
    def plan(self) -> Plan:
        """All of it."""
        return Plan(question=self._question, nodes=tuple(self.nodes))
