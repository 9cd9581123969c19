"""Makes a plan and carries out nothing of it: what a run's planner would begin with.

A planner that waits for results waits for ever here: its first round is the plan, whose open ends are merged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import anyio

from engines import Usage, single_error
from planners import Call, Finding, Plan, Reduce, Vocabulary
from planners.plan import sinks

from .agent_settings import AgentSettings
from .budget import Purse
from .ending import PLANNER
from .events import EventBus, RunStarted, Subscriber
from .incoming_plan import IncomingPlan
from .nesting import Outer
from .resources import Resources

_REDUCER = "synthesise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A plan that was made and not carried out.

    Attributes:
        plan: As far as it could be made.
        model: The model of the engine that was asked.
        remarks: What a reader should know of it, such as that the planner would look at results.
        usage: What planning has cost.
        seconds: How long it took.
    """

    plan: Plan
    model: str
    remarks: tuple[str, ...]
    usage: Usage
    seconds: float


async def preview(
    settings: AgentSettings,
    question: str,
    *,
    subscribers: Sequence[Subscriber] = (),
    outer: Outer | None = None,
) -> Preview:
    """Has the planner plan.

    Args:
        settings: What the agent is made of.
        question: What is asked.
        subscribers: Called with the events of planning, at once.
        outer: What it shares with the run that it is inside of; None if it is inside of none.

    Raises:
        PlanError: The planner made no plan that can be run.
        BudgetExhausted: The budget has not even room for the plan.
        EngineError: The engine failed the planner.
    """
    bus = EventBus(anyio.current_time, tuple(subscribers))
    bus.emit(RunStarted(question=question, model=settings.engine.model))
    name = os.urandom(8).hex()
    resources = Resources(settings=settings, question=question, bus=bus, name=name, outer=outer)
    purse = resources.purse
    sink = _PreviewedPlan(question, settings.vocabulary, purse, bus)
    engine = resources.calls.of(PLANNER, purse.work.child(PLANNER))
    with single_error():
        async with anyio.create_task_group() as group:
            group.start_soon(settings.limiter.adapt)
            with sink.planning:
                await settings.planner.plan(question, settings.vocabulary, engine, sink)
            group.cancel_scope.cancel()
    sink.end()
    return Preview(
        plan=sink.plan,
        model=settings.engine.model,
        remarks=tuple(sink.remarks),
        usage=purse.run.spent.usage,
        seconds=bus.seconds,
    )


class _PreviewedPlan(IncomingPlan):
    """Takes what the planner writes, and ends it where it would wait."""

    def __init__(self, question: str, vocabulary: Vocabulary, purse: Purse, bus: EventBus) -> None:
        super().__init__(question, vocabulary, purse, bus)
        self.planning = anyio.CancelScope()
        self._waited = False

    def speculate(self, call: Call | None) -> None:
        """Nothing is called."""

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        # No exception, which a planner may catch for a failure of its own.
        self._waited = True
        self.planning.cancel()
        await anyio.sleep_forever()
        raise AssertionError("a cancelled sleep ends in no other way")

    def end(self) -> None:
        if self._waited and self.nodes:
            self.remark("the planner would go on once it has seen results: this is its first round")
            self._merge_open_ends()
        super().end()

    def _merge_open_ends(self) -> None:
        open_ends = sinks(self.nodes)
        if len(open_ends) > 1:
            taken = {node.id for node in self.nodes}
            name = next(n for n in map(str, range(1, len(taken) + 2)) if n not in taken)
            self.node(Reduce(id=name, inputs=open_ends, reducer=_REDUCER))
