from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from engines import BudgetExhausted, Engine, FakeEngine, UsageError
from orchestrator import Agent, Budget, Event, NodePlanned, PlanFinished, RunStarted, tool
from orchestrator.planning import Preview
from planners import (
    Call,
    InvalidPlan,
    LLMCompiler,
    Node,
    Plan,
    PlanError,
    PlanSink,
    Reduce,
    Think,
    Vocabulary,
)
from planners.static.building import build, call, think

pytestmark = pytest.mark.anyio

TEXT = '1. multiply(12, 7)\n2. think("why?")\njoin()'


@tool
def multiply(a: float, b: float) -> float:
    """Multiplies."""
    raise AssertionError("nothing is carried out")


async def plan(planner: Any, engine: Engine | None = None, **options: Any) -> Preview:
    agent = Agent(engine or FakeEngine(TEXT), tools=[multiply], planner=planner, **options)
    return await agent.plan("Why?")


async def test_a_plan_is_made_and_nothing_of_it_carried_out() -> None:
    engine = FakeEngine(TEXT, seconds_per_token=0)
    made = await plan(LLMCompiler(max_replans=0), engine)
    assert made.plan == Plan(
        question="Why?",
        nodes=(
            Call(id="1", tool="multiply", arguments={"a": 12, "b": 7}),
            Think(id="2", prompt="why?"),
            Reduce(id="3", inputs=("1", "2"), reducer="synthesise"),
        ),
    )
    assert (made.model, made.remarks) == ("fake", ())
    assert made.usage.generated_tokens == len(TEXT)
    assert len(engine.calls) == 1
    assert (await engine.statistics()).running == 0


async def test_of_a_planner_that_looks_at_results_the_first_round_is_planned_and_merged() -> None:
    engine = FakeEngine(TEXT)
    made = await plan(LLMCompiler(max_replans=3), engine)
    assert [node.id for node in made.plan.nodes] == ["1", "2", "3"]
    assert made.plan.nodes[-1] == Reduce(id="3", inputs=("1", "2"), reducer="synthesise")
    assert made.remarks == (
        "the planner would go on once it has seen results: this is its first round",
    )
    assert len(engine.calls) == 1


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Waits for its nodes in a task of its own, and takes every exception for a failure of the plan."""

    nodes: tuple[Node, ...]

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        for node in self.nodes:
            sink.node(node)

        async def look() -> None:
            try:
                await sink.wait([node.id for node in self.nodes])
            except Exception:
                sink.remark("it failed")
            raise AssertionError("nobody comes here")

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            await anyio.sleep(1000)
        raise AssertionError("nor here")


async def test_a_planner_cannot_catch_that_there_are_no_results() -> None:
    made = await plan(Waiting(nodes=(Think(id="2"), Think(id="only", after="2"))))
    assert [node.id for node in made.plan.nodes] == ["2", "only"]
    assert len(made.remarks) == 1
    made = await plan(Waiting(nodes=(Think(id="3"), Think(id="1"))))
    assert made.plan.nodes[-1] == Reduce(id="2", inputs=("3", "1"), reducer="synthesise")


async def test_subscribers_hear_of_the_plan() -> None:
    events: list[Event] = []
    agent = Agent(FakeEngine(), planner="single")
    await agent.plan("Why?", subscribers=[events.append])
    assert [type(event) for event in events] == [RunStarted, NodePlanned, PlanFinished]


@dataclass(frozen=True, kw_only=True)
class Silent:
    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        return 0


async def test_no_plan_is_told() -> None:
    with pytest.raises(PlanError, match="the plan: it has no nodes"):
        await plan(Silent())


async def test_a_budget_with_no_room_for_the_plan_is_told() -> None:
    with pytest.raises(BudgetExhausted):
        await plan(LLMCompiler(), budget=Budget(tokens=3))


@pytest.mark.parametrize("question", ["", " \n"])
async def test_no_question_is_told(question: str) -> None:
    with pytest.raises(UsageError, match="the question is empty"):
        await Agent(FakeEngine(), planner="single").plan(question)


# A plan in place of a planner


async def test_a_plan_may_be_given_in_place_of_a_planner() -> None:
    written = build(think("Is ", think("Begin."), " right?"), question="other")
    result = await Agent(FakeEngine("\\boxed{84}"), planner=written).run("Why?")
    assert result.answer.final == "84"
    assert result.plan.nodes == written.nodes
    assert result.plan.question == "Why?"


async def test_a_plan_that_cannot_be_run_is_told_before_anything_is() -> None:
    engine = FakeEngine()
    with pytest.raises(InvalidPlan, match="there is no tool 'nothing'"):
        await Agent(engine, planner=build(think(), call("nothing"))).run("Why?")
    assert not engine.calls
