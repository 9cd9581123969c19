"""Runs in which something fails: what failed is data, and what cannot be run is refused in a line."""

from __future__ import annotations

import pytest

from engines import CapabilityMissing, Context, EngineError, FakeEngine, Sampling, UsageError
from orchestrator import Agent, Event, NodeFinished, RunFailed, RunFinished
from planners import (
    Call,
    LLMCompiler,
    Node,
    PlanError,
    Reduce,
    Reference,
    SinglePlanner,
    Template,
    Think,
)
from tests import backends
from tests.orchestrator.arithmetic import BROKEN, TOOLS
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio


async def assert_idle(engine: FakeEngine) -> None:
    assert (await engine.statistics()).running == 0


async def test_a_failed_call_is_left_out_and_its_outcome_says_why() -> None:
    engine = FakeEngine("\\boxed{5}")
    plan = given(BROKEN, Think(id="2"), Reduce(id="3", inputs=("1", "2"), reducer="majority"))
    result = await Agent(engine, tools=TOOLS, planner=plan).run("Why?")
    assert str(result) == "5"
    failed = result.outcomes["1"]
    assert (failed.status, failed.reason) == ("failed", "breaks raised ValueError: no luck")
    assert failed.value is None
    await assert_idle(engine)


async def test_what_needs_a_failed_node_is_cancelled_with_the_reason() -> None:
    engine = FakeEngine("\\boxed{5}")
    plan = given(
        BROKEN,
        Think(id="2", prompt=Template(parts=("See ", Reference(node="1")))),
        Think(id="3", after="2"),
        Think(id="4"),
        Reduce(id="5", inputs=("3", "4"), reducer="first"),
    )
    events: list[Event] = []
    agent = Agent(engine, tools=TOOLS, planner=plan)
    result = await agent.run("Why?", subscribers=[events.append])
    assert str(result) == "5"
    reasons = {name: (o.status, o.reason) for name, o in result.outcomes.items() if o.reason}
    assert reasons == {
        "1": ("failed", "breaks raised ValueError: no luck"),
        "2": ("cancelled", "node '1' failed: breaks raised ValueError: no luck"),
        "3": ("cancelled", "node '1' failed: breaks raised ValueError: no luck"),
    }
    told = {
        e.node: (e.status, e.reason) for e in events if isinstance(e, NodeFinished) and e.reason
    }
    assert told == reasons
    assert len(engine.calls) == 1


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_call_that_the_engine_fails_is_data_too(text_only: bool) -> None:
    engine = FakeEngine(
        by_path({"root/1": EngineError("lost it")}, "\\boxed{5}"), text_only=text_only
    )
    plan = given(Think(id="1"), Think(id="2"), Reduce(id="3", inputs=("1", "2"), reducer="first"))
    result = await Agent(engine, planner=plan).run("Why?")
    assert (str(result), result.outcomes["1"].reason) == ("5", "lost it")
    await assert_idle(engine)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((Think(id="0"), BROKEN), "node '1' failed: breaks raised ValueError: no luck"),
        (
            (BROKEN, Reduce(id="2", inputs=("1",), reducer="first")),
            "node '2' failed: none of its inputs gave a result: "
            "node '1' failed: breaks raised ValueError: no luck",
        ),
        (
            (BROKEN, Think(id="2", prompt=Template(parts=(Reference(node="1"),)))),
            "node '2' cancelled: node '1' failed: breaks raised ValueError: no luck",
        ),
    ],
)
async def test_a_run_whose_last_node_fails_fails(nodes: tuple[Node, ...], reason: str) -> None:
    engine = FakeEngine()
    events: list[Event] = []
    agent = Agent(engine, tools=TOOLS, planner=given(*nodes))
    with pytest.raises(RunFailed) as caught:
        await agent.run("Why?", subscribers=[events.append])
    assert str(caught.value) == f"the run has no answer: {reason}"
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert (end.status, end.reason, end.answer) == ("failed", str(caught.value), None)
    await assert_idle(engine)


async def test_an_answer_cut_by_its_limit_is_used_and_marked() -> None:
    sampling = Sampling(max_tokens=12)
    agent = Agent(FakeEngine("It is 4, since " * 10), planner="single", sampling=sampling)
    result = await agent.run("2 + 2?")
    outcome = result.outcomes["1"]
    assert (outcome.status, outcome.reason) == ("truncated", "it reached its token limit")
    assert str(result) == "It is 4, sin"
    assert result.to_data()["truncated"] is True


async def test_an_engine_that_fails_the_planner_ends_the_run() -> None:
    engine = FakeEngine([EngineError("down")])
    with pytest.raises(EngineError, match="down"):
        await Agent(engine).run("Why?")
    await assert_idle(engine)


async def test_a_planner_that_writes_nonsense_ends_the_run_and_cancels_what_runs() -> None:
    text = "1. multiply(2, 3)\n2. think('x')\nhere is my plan:\n"
    engine = FakeEngine(by_path({"plan": text}, "\\boxed{1}"))
    with pytest.raises(PlanError, match="plan line 3: expected a step"):
        await Agent(engine, tools=TOOLS, planner=LLMCompiler(max_repairs=0)).run("Why?")
    await assert_idle(engine)


async def test_a_planner_without_nodes_is_a_clear_error() -> None:
    class Nothing:
        async def plan(self, *arguments: object) -> int:
            return 0

    with pytest.raises(PlanError, match="it has no nodes"):
        await Agent(FakeEngine(), planner=Nothing()).run("Why?")


async def test_a_bug_in_a_method_is_raised_and_ends_the_run() -> None:
    class Buggy:
        async def solve(self, *arguments: object) -> object:
            raise ZeroDivisionError

    agent = Agent(FakeEngine(), planner="single", method=Buggy())  # type: ignore[arg-type]  # it has a bug
    with pytest.raises(ZeroDivisionError):
        await agent.run("Why?")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((Think(id="1", after="2"), Think(id="2", after="1")), "waits for itself: "),
        ((Think(id="1", after="1"),), "node '1': waits for itself: 1 -> 1"),
        ((Think(id="1"), Think(id="2", after="3"), Think(id="3")), "refers to node '3'"),
        ((Think(id="1"), Think(id="1")), "another node has this id"),
        ((Think(id="1"), Call(id="2", tool="divide")), "there is no tool 'divide': choose from add, breaks"),
        ((Think(id="1"), Call(id="2", tool="add", arguments={"a": 1})), "needs the argument 'b'"),
        ((Think(id="1"), Call(id="2", tool="add", arguments={"a": "x", "b": 1})), "argument 'a' of add"),
        ((Think(id="1"), Think(id="2", method="guess")), "there is no method 'guess'"),
        ((Think(id="1"), Reduce(id="2", inputs=("1",), reducer="r")), "there is no reducer 'r'"),
        (tuple(Think(id=str(i)) for i in range(257)), "a plan has 256 nodes at most"),
    ],
)  # fmt: skip
async def test_a_plan_that_cannot_be_run_is_refused_before_anything_runs(
    nodes: tuple[Node, ...], message: str
) -> None:
    engine = FakeEngine()
    events: list[Event] = []
    agent = Agent(engine, tools=TOOLS, planner=given(*nodes))
    with pytest.raises(PlanError, match=message):
        await agent.run("Why?", subscribers=[events.append])
    assert engine.calls == []
    assert [event.kind for event in events] == ["run-started", "run-finished"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"planner": "nobody"}, "there is no planner 'nobody': choose from llm-compiler, "),
        (
            {"method": "guess"},
            "there is no method 'guess': choose from beam, best-of-n, blackboard",
        ),
        ({"reducer": "sum"}, "there is no reducer 'sum': choose from best, first"),
        ({"concurrency": 0}, "a concurrency of 0 runs nothing"),
    ],
)
def test_an_agent_says_what_it_cannot_be_made_of(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Agent(FakeEngine(), **options)  # type: ignore[arg-type]  # a test names them


@pytest.mark.parametrize(
    ("question", "message"),
    [("", "is empty"), (" \n\t", "is empty"), ("\udcff?", "is no text")],
)
async def test_a_question_that_is_none_is_refused(question: str, message: str) -> None:
    engine = FakeEngine()
    with pytest.raises(UsageError, match=message):
        await Agent(engine).run(question)
    assert engine.calls == []


async def test_a_context_longer_than_the_window_is_a_clear_error() -> None:
    engine = FakeEngine(window=100)
    with pytest.raises(
        RunFailed, match=r"the context has \d+ tokens and the model's window is 100"
    ):
        await Agent(engine, planner="single").run("Why? " * 100)


async def test_what_needs_ids_says_so_on_a_text_only_engine() -> None:
    class GoesOn:
        async def solve(self, context: Context, engine: FakeEngine) -> object:
            first = await engine.generate(context, Sampling())
            return await engine.generate(first.context, Sampling())

    engine = FakeEngine("and", text_only=True)
    agent = Agent(engine, planner=SinglePlanner(), method=GoesOn())  # type: ignore[arg-type]
    with pytest.raises(RunFailed, match="works on text only"):
        await agent.run("Why?")
    assert issubclass(CapabilityMissing, EngineError)
