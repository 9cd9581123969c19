"""Answers that are written down already, planners that look at results, and caps on threads."""

from __future__ import annotations

from typing import Any

import pytest

from engines import Engine, FakeEngine, Sampling, UsageError
from orchestrator import Agent, Budget, RunFailed, tool
from planners import (
    Call,
    Conclude,
    Finding,
    GivenPlanner,
    Node,
    Plan,
    PlanSink,
    Reference,
    Template,
    Think,
    Vocabulary,
)
from tests import backends

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

TOTAL = Template(parts=("There are ", Reference(node="1"), " apples."))


@tool
async def twice(a: int) -> int:
    """Doubles."""
    return 2 * a


@tool
async def breaks() -> int:
    """Raises."""
    raise ValueError("no luck")


def given(*nodes: Node) -> GivenPlanner:
    return GivenPlanner(given=Plan(nodes=nodes))


async def test_a_conclusion_says_its_text_with_the_results_in_it() -> None:
    plan = given(Call(id="1", tool="twice", arguments={"a": 21}), Conclude(id="2", text=TOTAL))
    engine = FakeEngine()
    result = await Agent(engine, tools=[twice], planner=plan).run("How many?")
    assert str(result) == "There are 42 apples."
    assert not engine.calls


async def test_a_conclusion_needs_what_its_text_names_and_not_what_it_rests_on() -> None:
    rests = given(Call(id="1", tool="breaks"), Conclude(id="2", text="None.", inputs=("1",)))
    assert str(await Agent(FakeEngine(), tools=[breaks], planner=rests).run("?")) == "None."
    names = given(Call(id="1", tool="breaks"), Conclude(id="2", text=TOTAL))
    with pytest.raises(RunFailed, match="no luck"):
        await Agent(FakeEngine(), tools=[breaks], planner=names).run("?")


class Looking:
    """Plans a call, looks at its result, and goes on."""

    def __init__(self) -> None:
        self.found: dict[str, Finding] = {}
        self.left: list[int | None] = []

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        sink.node(Call(id="1", tool="twice", arguments={"a": 4}))
        sink.node(Call(id="2", tool="breaks"))
        self.left.append(sink.tokens_left)
        self.found = dict(await sink.wait(["2", "1"]))
        sink.node(Conclude(id="3", text=self.found["1"].text))
        return 7


async def test_a_planner_sees_what_became_of_its_nodes() -> None:
    planner = Looking()
    agent = Agent(
        FakeEngine(), tools=[twice, breaks], planner=planner, budget=Budget(tokens=100), runs=None
    )
    result = await agent.run("?")
    assert str(result) == "8"
    assert result.critical_path == 7
    assert list(planner.found) == ["2", "1"]
    assert not planner.found["2"].usable
    assert "no luck" in planner.found["2"].reason
    assert planner.left == [90]


async def test_a_thread_of_a_node_generates_no_more_than_its_cap() -> None:
    plan = given(
        Think(id="1", max_tokens=3),
        Think(id="2", after="1", max_tokens=500),
        Think(id="3", after="2", max_tokens=500, method="chain-of-thought"),
    )
    engine = FakeEngine("abcdefgh" * 10)
    agent = Agent(engine, planner=plan, sampling=Sampling(max_tokens=20))
    await agent.run("?")
    assert [call.sampling.max_tokens for call in engine.calls] == [3, 20, 500]


async def test_what_failed_on_the_way_to_an_answer_is_remarked() -> None:
    rests = given(Call(id="1", tool="breaks"), Conclude(id="2", text="None.", inputs=("1",)))
    result = await Agent(FakeEngine(), tools=[breaks], planner=rests).run("?")
    assert result.remark == "node '1' failed: breaks raised ValueError: no luck"


@pytest.mark.parametrize("part", [{"planner": GivenPlanner}, {"method": 5}, {"reducer": print}])
async def test_what_is_no_part_of_an_agent_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="give a name, or an object"):
        Agent(FakeEngine(), **part)
