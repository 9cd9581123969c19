from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
import pytest

from engines import (
    FakeEngine,
    HttpEngine,
    UsageError,
)
from orchestrator import (
    Agent,
    Event,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    RunFailed,
    RunFinished,
    RunStarted,
    TokensGenerated,
)
from planners import (
    Call,
    Conclude,
    LLMCompiler,
    Node,
    PlanError,
    Reduce,
    Reference,
    Template,
    Think,
)
from reasoning import First, Majority
from tests.backends import run_virtually
from tests.engines.servers import chat_app, serving
from tests.orchestrator.arithmetic import BROKEN, TOOLS
from tests.orchestrator.plans import by_path, given

pytestmark = pytest.mark.anyio

PLAN = """1. multiply(12, 7)
2. think("How many more?")
3. add($1, 38)
join()
"""


# One round, and what it leaves is merged.
ONE_ROUND = LLMCompiler(max_replans=0)


def planning_engine(**options: object) -> FakeEngine:
    replies = by_path({"plan": PLAN, "root/4/synthesise": "It is \\boxed{122}."}, "\\boxed{38}")
    return FakeEngine(replies, **options)  # type: ignore[arg-type]  # a test names them


async def assert_idle(engine: FakeEngine) -> None:
    assert (await engine.statistics()).running == 0


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events if not event.transient]


def about(event: Event) -> str | None:
    """The node that an event is about."""
    node = getattr(event, "node", None)
    return getattr(node, "id", node)


# Answers


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_question_is_planned_carried_out_and_answered(text_only: bool) -> None:
    engine = planning_engine(text_only=text_only)
    result = await Agent(engine, tools=TOOLS, planner=ONE_ROUND).run("What is 12 * 7 + 38?")
    assert str(result) == result.answer.final == "122"
    assert result.plan.question == "What is 12 * 7 + 38?"
    assert [node.id for node in result.plan.nodes] == ["1", "2", "3", "4"]
    data = {node: outcome.value.data for node, outcome in result.outcomes.items() if outcome.value}
    assert data == {"1": 84.0, "2": "38", "3": 122.0, "4": "122"}
    (merging,) = [call for call in engine.calls if call.context.path == "root/4/synthesise"]
    said = merging.context.turns[0].text
    assert "1. \\boxed{38}\n2. add(a=84.0, b=38) = 122.0" in said
    await assert_idle(engine)


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_single_thread_answers_the_question_itself(text_only: bool) -> None:
    engine = FakeEngine("So it is \\boxed{4}.", text_only=text_only)
    result = await Agent(engine, planner="single").run("2 + 2?")
    assert str(result) == "4"
    (call,) = engine.calls
    assert call.context.turns[0].text.startswith("2 + 2?")
    assert [turn.role for turn in call.context.turns] == ["user", "assistant"]


async def test_a_method_can_be_named_for_the_run_and_by_a_node() -> None:
    engine = FakeEngine("\\boxed{4}")
    plan = given(Think(id="1"), Think(id="2", method="chain-of-thought"))
    await Agent(engine, planner=plan, method="self-consistency").run("2 + 2?")
    paths = sorted(call.context.path for call in engine.calls)
    assert paths == [*(f"root/1/sample-{i}" for i in range(8)), "root/2"]


async def test_a_reducer_given_to_the_agent_replaces_that_of_the_plan() -> None:
    engine = FakeEngine(by_path({"root/1": "\\boxed{7}"}, "\\boxed{8}"))
    nodes = [Think(id=str(i)) for i in (1, 2, 3)]
    plan = given(*nodes, Reduce(id="4", inputs=("1", "2", "3"), reducer="first"))
    assert str(await Agent(engine, planner=plan).run("Which?")) == "7"
    assert str(await Agent(engine, planner=plan, reducer="majority").run("Which?")) == "8"
    assert str(await Agent(engine, planner=plan, reducer=First()).run("Which?")) == "7"


async def test_results_are_put_into_prompts_and_arguments() -> None:
    engine = FakeEngine("\\boxed{ok}")
    plan = given(
        Call(id="1", tool="multiply", arguments={"a": 6, "b": 7}),
        Call(id="2", tool="add", arguments={"a": Reference(node="1"), "b": 0.5}),
        Think(id="3", prompt=Template(parts=("Is ", Reference(node="2"), " even?"))),
    )
    await Agent(engine, tools=TOOLS, planner=plan).run("Even?")
    assert "Even?\n\nYour part of the work: Is 42.5 even?" in engine.calls[0].context.turns[0].text


async def test_a_thread_after_another_goes_on_from_its_context() -> None:
    engine = FakeEngine(by_path({"root/1": "First \\boxed{1}"}, "Then \\boxed{2}"))
    plan = given(Think(id="1"), Think(id="2", prompt="And then?", after="1"))
    await Agent(engine, planner=plan).run("Begin.")
    first, second = (call.context for call in engine.calls)
    end_of_first = (*first.token_ids, *map(ord, "First \\boxed{1}"))
    assert second.token_ids[: len(end_of_first)] == end_of_first
    assert [turn.role for turn in second.turns] == ["user", "assistant", "user", "assistant"]
    assert second.turns[2].text.startswith("And then?")


async def test_a_thread_cannot_go_on_from_a_call() -> None:
    plan = given(
        Call(id="1", tool="add", arguments={"a": 1, "b": 2}), Think(id="2", after="1")
    )  # fmt: skip
    with pytest.raises(PlanError, match="node '2': "):
        await Agent(FakeEngine(), tools=TOOLS, planner=plan).run("Why?")


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ([Call(id="0", tool="add", arguments={"a": 1, "b": 2})], "add(a=1, b=2) = 3.0"),
        ([Conclude(id="0", text="It is so.")], "It is so."),
    ],
)
async def test_a_thread_after_what_has_no_thread_is_told_it(before: list[Node], found: str) -> None:
    engine = FakeEngine()
    vote = Reduce(id="1", inputs=("0",), reducer="first")
    plan = given(*before, vote, Think(id="2", prompt="And then?", after="1"))
    await Agent(engine, tools=TOOLS, planner=plan).run("Begin.")
    told = engine.calls[0].context.turns[0].text
    assert f"Begin.\n\nThis was found:\n{found}\n\nYour part of the work: And then?" in told


async def test_an_option_that_does_not_exist_is_an_error() -> None:
    agent: Any = Agent(FakeEngine(), planner="single")
    with pytest.raises(TypeError, match="no option 'histroy' here: choose from dependencies, hist"):
        await agent.run("?", histroy=None)
    with pytest.raises(TypeError, match="no option 'history'"):
        await agent.resume("runs/1", history=None)


# Events


async def test_events_tell_a_run_in_order() -> None:
    events: list[Event] = []
    plan = given(Think(id="1"), Think(id="2", after="1"))
    await Agent(FakeEngine("\\boxed{4}"), planner=plan).run("2 + 2?", subscribers=[events.append])
    assert kinds(events) == [
        "run-started",
        "node-planned",
        "node-planned",
        "plan-finished",
        *["node-started", "generation-started", "generation-finished", "node-finished"] * 2,
        "run-finished",
    ]
    assert [event.time for event in events] == sorted(event.time for event in events)
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert (end.status, end.answer, end.usage.generated_tokens) == ("ok", "4", 18)


async def test_every_subscriber_hears_the_same() -> None:
    first: list[Event] = []
    second: list[Event] = []
    await Agent(FakeEngine(), planner="single").run("?", subscribers=[first.append, second.append])
    assert first == second != []


async def test_a_stream_gives_the_events_of_a_run() -> None:
    events: list[Event] = []
    agent = Agent(planning_engine(), tools=TOOLS, planner=ONE_ROUND)
    async with agent.stream("What is 12 * 7 + 38?") as stream:
        async for event in stream:
            events.append(event)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].status, events[-1].answer) == ("ok", "122")
    for node in "1234":
        told = [type(event) for event in events if about(event) == node]
        assert (told[0], told[1], told[-1]) == (NodePlanned, NodeStarted, NodeFinished)
    text = next(event for event in events if isinstance(event, PlanFinished)).text
    assert text == PLAN


async def test_leaving_a_stream_early_cancels_the_run_and_leaves_no_request() -> None:
    engine = FakeEngine("x" * 1000, chunk_tokens=1)
    agent = Agent(engine, planner="single", method="self-consistency")
    async with agent.stream("Why?") as events:
        async for event in events:
            if isinstance(event, TokensGenerated):
                break
    await assert_idle(engine)
    assert engine.aborted == len(engine.calls) == 8


async def test_a_stream_raises_what_the_run_raises_after_its_last_event() -> None:
    events: list[Event] = []

    async def read() -> None:
        async with Agent(FakeEngine(), tools=TOOLS, planner=given(BROKEN)).stream("Why?") as stream:
            async for event in stream:
                events.append(event)

    with pytest.raises(RunFailed, match="no luck"):
        await read()
    assert events[-1].kind == "run-finished"


async def test_an_error_in_the_block_of_a_stream_is_raised_as_it_is() -> None:
    engine = FakeEngine("x" * 1000, chunk_tokens=1)

    async def read() -> None:
        async with Agent(engine, planner="single").stream("Why?") as events:
            async for event in events:
                if isinstance(event, TokensGenerated):
                    raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await read()
    await assert_idle(engine)


def test_a_cancelled_run_says_so_in_its_last_event() -> None:
    events: list[Event] = []
    engine = FakeEngine("x" * 100, seconds_per_token=1, chunk_tokens=1)

    async def run() -> None:
        with anyio.move_on_after(10):
            agent = Agent(engine, planner="single")
            await agent.run("Why?", subscribers=[events.append], live=True)
        await assert_idle(engine)

    run_virtually(run)
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert end.status == "cancelled"
    assert end.time == 10
    assert end.usage.lower_bound
    assert 8 <= end.usage.generated_tokens <= 10


# Synchronous callers


def test_run_sync_answers_without_an_event_loop() -> None:
    assert str(Agent(FakeEngine("\\boxed{4}"), planner="single").run_sync("2 + 2?")) == "4"


async def test_run_sync_answers_in_a_thread_beside_a_running_loop() -> None:
    agent = Agent(FakeEngine("\\boxed{4}"), planner="single")
    assert str(await anyio.to_thread.run_sync(agent.run_sync, "2 + 2?")) == "4"


async def test_run_sync_answers_where_a_loop_runs_already_as_in_a_notebook() -> None:
    assert str(Agent(FakeEngine("\\boxed{4}"), planner="single").run_sync("2 + 2?")) == "4"


def test_run_sync_raises_what_run_raises() -> None:
    with pytest.raises(UsageError, match="is empty"):
        Agent(FakeEngine()).run_sync(" ")


def test_an_agent_can_be_used_again_and_by_many_at_once() -> None:
    engine = FakeEngine(
        lambda context, sampling: f"\\boxed{{{context.turns[0].text[0]}}}", latency=1
    )
    agent = Agent(engine, planner="single", reducer=Majority())
    answers: dict[str, str] = {}

    async def ask(question: str) -> None:
        answers[question] = str(await agent.run(question))

    async def run() -> float:
        for _ in range(2):
            async with anyio.create_task_group() as group:
                for question in "abc":
                    group.start_soon(ask, question)
        return anyio.current_time()

    assert run_virtually(run) == 2
    assert answers == {"a": "a", "b": "b", "c": "c"}


async def test_nodes_of_a_cancelled_run_are_told_as_cancelled() -> None:
    events: list[Event] = []
    scope = anyio.CancelScope()

    def hear(event: Event) -> None:
        events.append(event)
        if isinstance(event, GenerationStarted):
            scope.cancel()

    agent = Agent(FakeEngine("so", latency=100), planner="single")
    with scope:
        await agent.run("Why?", subscribers=[hear])
    finished = [event for event in events if isinstance(event, NodeFinished)]
    assert [(event.status, event.reason) for event in finished] == [
        ("cancelled", "the run was cancelled")
    ]


def test_an_engine_that_is_not_open_is_told() -> None:
    with pytest.raises(UsageError, match="is no open engine: use `async with"):
        Agent(object())  # type: ignore[arg-type]  # that it is an error is what this shows


def test_a_server_opened_with_a_plain_with_answers_synchronous_callers() -> None:
    with (
        serving(chat_app(FakeEngine("\\boxed{4}", text_only=True))) as url,
        HttpEngine(url) as engine,
    ):
        agent = Agent(engine, planner="single")
        assert [str(agent.run_sync("2 + 2?")) for _ in range(2)] == ["4", "4"]
