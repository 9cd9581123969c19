"""An agent as a tool of another: it runs inside the other's run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import CallLimiter, Context, EngineError, FakeEngine, Sampling
from orchestrator import (
    Agent,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalRequest,
    Budget,
    Event,
    GenerationFinished,
    GenerationStarted,
    RunFailed,
    Tool,
    ToolContext,
    ToolError,
    tool,
)
from orchestrator.nesting import MOST_DEPTH
from planners import Call, LLMCompiler, Node, Reduce, Reference, Template, Think
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

INNER = "Inside, \\boxed{42}."
OUTER = "Outside, \\boxed{43}."


def asks(node: str, question: str = "6 * 7?", name: str = "maths") -> Call:
    return Call(id=node, tool=name, arguments={"question": question})


def thinking_of(*nodes: str) -> Think:
    parts = [part for node in nodes for part in (" and ", Reference(node=node))]
    return Think(id="end", prompt=Template(parts=("See", *parts)))


def maths(engine: FakeEngine, **options: Any) -> Tool:
    agent = Agent(engine, **{"planner": "single", **options})
    return agent.as_tool(name="maths", description="Knows numbers.")


def scripted(**options: Any) -> FakeEngine:
    def script(context: Context, sampling: Sampling) -> str:
        return OUTER if context.path == "root/end" else INNER

    return FakeEngine(script, **options)


def test_a_tool_says_what_it_takes_and_what_it_is_good_for() -> None:
    made = maths(FakeEngine())
    assert made.specification.signature == "maths(question: string)"
    assert made.specification.description == "Knows numbers."


async def test_the_answer_is_the_tools_result() -> None:
    engine = scripted()
    plan = given(asks("1"), thinking_of("1"))
    result = await Agent(engine, tools=[maths(engine)], planner=plan).run("What is next?")
    assert str(result) == "43"
    inner = result.outcomes["1"].value
    assert inner is not None
    assert inner.data == "42"
    assert [call.context.path for call in engine.calls] == ["1/root/1", "root/end"]
    assert "See and 42" in engine.calls[1].context.turns[0].text


async def test_an_output_is_the_tools_result_as_data() -> None:
    engine = FakeEngine(by_path({"1/root/1/(output)": '{"a": 1}'}, INNER))
    plan = given(asks("1"))
    agent = Agent(engine, tools=[maths(engine, output_type=dict[str, int])], planner=plan)
    result = await agent.run("?", output_type=dict[str, int])
    assert result.output == {"a": 1}


async def test_what_it_spends_is_the_nodes_and_its_path_is_on_the_critical_path() -> None:
    engine = scripted()
    events: list[Event] = []
    plan = given(asks("1"), asks("2"), thinking_of("1", "2"))
    agent = Agent(engine, tools=[maths(engine)], planner=plan)
    result = await agent.run("What is next?", subscribers=[events.append])
    assert result.usage_by_node["1"].generated_tokens == len(INNER)
    assert result.usage_by_node["1"].prompt_tokens > 0
    assert result.usage.generated_tokens == 2 * len(INNER) + len(OUTER)
    assert result.critical_path == len(INNER) + len(OUTER)
    told = [event for event in events if isinstance(event, GenerationFinished)]
    assert sorted((event.node, event.path) for event in told) == [
        ("1", "1/root/1"),
        ("2", "2/root/1"),
        ("end", "root/end"),
    ]
    assert len({event.call for event in events if isinstance(event, GenerationStarted)}) == 3
    # The inner run's own story is not the outer's.
    assert [event.kind for event in events].count("run-started") == 1
    assert [event.kind for event in events].count("node-planned") == 3


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_question_that_is_asked_twice_is_told_apart(
    text_only: bool, tmp_path: Path
) -> None:
    engine = scripted(text_only=text_only)
    plan = given(asks("1"), asks("2"), thinking_of("1", "2"))
    inner = maths(engine, method="self-consistency", sampling=Sampling(seed=1))
    agent = Agent(engine, tools=[inner], planner=plan, runs=tmp_path)
    assert str(await agent.run("What is next?")) == "43"
    assert len(engine.calls) == 17


async def test_the_outer_budget_holds_and_the_inner_one_too() -> None:
    engine = FakeEngine("x" * 1000)
    plan = given(asks("1"), asks("2"), asks("3"))
    outer = Agent(
        engine,
        tools=[maths(engine)],
        planner=plan,
        budget=Budget(tokens=700, final_share=0),
    )
    with pytest.raises(RunFailed, match=r"budget exhausted: .* tokens used"):
        await outer.run("?")
    statistics = await engine.statistics()
    assert statistics.prompt_tokens + statistics.generated_tokens <= 700
    cheap = maths(engine, budget=Budget(tokens=200, final_share=0))
    result = await Agent(engine, tools=[cheap], planner=given(asks("1"))).run("?")
    usage = result.usage
    assert usage.prompt_tokens + usage.generated_tokens == 200


def test_inner_seconds_begin_when_it_is_called() -> None:
    async def main() -> tuple[str, float]:
        engine = FakeEngine("x" * 100, seconds_per_token=1)
        inner = maths(engine, budget=Budget(seconds=30, final_share=0))
        question = Template(parts=("After ", Reference(node="1")))
        call = Call(id="2", tool="maths", arguments={"question": question})
        plan = given(Think(id="1", max_tokens=50), call)
        result = await Agent(engine, tools=[inner], planner=plan).run("?")
        return str(result), anyio.current_time()

    assert run_virtually(main) == ("x" * 16, 80)


async def test_an_agent_on_another_engine_keeps_it() -> None:
    small, large = FakeEngine(OUTER), FakeEngine(INNER)
    plan = given(asks("1"), thinking_of("1"))
    result = await Agent(small, tools=[maths(large)], planner=plan).run("?")
    assert [len(engine.calls) for engine in (small, large)] == [1, 1]
    assert result.usage.generated_tokens == len(INNER) + len(OUTER)


async def test_a_limiter_that_both_share_lets_them_through() -> None:
    engine, limiter = scripted(), CallLimiter(1)
    plan = given(asks("1"), asks("2"), thinking_of("1", "2"))
    agent = Agent(engine, tools=[maths(engine, limiter=limiter)], planner=plan, limiter=limiter)
    assert str(await agent.run("?")) == "43"
    assert limiter.statistics().peak == 1


def test_cancelling_the_outer_run_cancels_the_inner_one() -> None:
    engine = FakeEngine("x" * 100, latency=100)

    async def main() -> int:
        agent = Agent(engine, tools=[maths(engine)], planner=given(asks("1")))
        with anyio.move_on_after(1):
            await agent.run("?")
        return (await engine.statistics()).running

    assert run_virtually(main) == 0
    assert engine.aborted == len(engine.calls) == 1


async def test_an_inner_run_that_fails_fails_its_node_in_one_line() -> None:
    engine = FakeEngine([EngineError("down")])
    agent = Agent(engine, tools=[maths(engine)], planner=given(asks("1")))
    with pytest.raises(
        RunFailed, match=r"'1' failed: maths: the run has no answer: .*down$"
    ) as caught:
        await agent.run("?")
    assert "\n" not in str(caught.value)


async def test_an_empty_question_fails_the_call() -> None:
    agent = Agent(FakeEngine(), tools=[maths(FakeEngine())], planner=given(asks("1", " ")))
    with pytest.raises(RunFailed, match="maths: the question is empty"):
        await agent.run("?")


async def test_outside_of_a_run_it_runs_by_itself() -> None:
    assert await maths(FakeEngine(INNER)).call({"question": "6 * 7?"}) == "42"
    with pytest.raises(ToolError, match="maths: the question is empty"):
        await maths(FakeEngine()).call({"question": ""})


def itself(make: Callable[[Agent, str], Any]) -> Agent:
    """An agent that asks itself, whatever it is asked."""
    found: list[Agent] = []

    @tool
    async def maths(question: str) -> Any:
        """Asks."""
        return await make(found[0], question)

    found.append(Agent(FakeEngine(), tools=[maths], planner=given(asks("1"))))
    return found[0]


async def as_tool(agent: Agent, question: str) -> Any:
    made = agent.as_tool(name="maths", description="")
    return await made.call({"question": question})


async def as_run(agent: Agent, question: str) -> Any:
    return str(await agent.run(question))


@pytest.mark.parametrize("make", [as_tool, as_run])
async def test_an_agent_that_asks_itself_without_end_is_stopped(
    make: Callable[[Agent, str], Any],
) -> None:
    with pytest.raises(RunFailed, match=f"agents call agents {MOST_DEPTH} deep") as caught:
        await itself(make).run("?")
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("maths") == MOST_DEPTH + 1


async def test_agents_nest_and_paths_tell_where() -> None:
    engine = scripted()
    deep = maths(engine)
    middle = Agent(engine, tools=[deep], planner=given(asks("7"))).as_tool(
        name="middle", description=""
    )
    plan = given(asks("1", name="middle"), thinking_of("1"))
    events: list[Event] = []
    agent = Agent(engine, tools=[middle], planner=plan)
    result = await agent.run("?", subscribers=[events.append])
    assert str(result) == "43"
    started = [event for event in events if isinstance(event, GenerationStarted)]
    assert [(event.node, event.path) for event in started] == [
        ("1", "1/7/root/1"),
        ("end", "root/end"),
    ]
    assert result.critical_path == len(INNER) + len(OUTER)


class Counting:
    """A tool of the inner agent, and how often it was called."""

    def __init__(self, repeatable: bool = True) -> None:
        self.calls = 0

        @tool(repeatable=repeatable)
        async def look() -> int:
            """Looks."""
            self.calls += 1
            return 5

        self.tool = look


def stopping(path: str) -> tuple[FakeEngine, anyio.CancelScope]:
    """An engine whose run is cancelled when it comes to this call."""
    scope = anyio.CancelScope()

    async def script(context: Context, sampling: Sampling) -> str:
        if context.path == path:
            scope.cancel()
            await anyio.sleep_forever()
        return OUTER if context.path == "root/end" else INNER

    return FakeEngine(script), scope


INSIDE: list[Node] = [Call(id="a", tool="look"), Think(id="b"), Think(id="c", after="b")]


@pytest.mark.parametrize("last", ["1/root/b", "1/root/b/c", "root/end"])
async def test_a_run_that_died_inside_goes_on_inside(last: str, tmp_path: Path) -> None:
    counting = Counting()

    def make(engine: FakeEngine) -> Agent:
        plan = given(*INSIDE, Reduce(id="d", inputs=("a", "b", "c"), reducer="majority"))
        inner = maths(engine, tools=[counting.tool], planner=plan)
        return Agent(
            engine, tools=[inner], planner=given(asks("1"), thinking_of("1")), runs=tmp_path
        )

    first, scope = stopping(last)
    with scope:
        await make(first).run("?")
    assert scope.cancelled_caught
    (folder,) = tmp_path.iterdir()
    second = scripted()
    result = await make(second).resume(folder)
    assert str(result) == "43"
    assert counting.calls == 1
    paths = ["1/root/b", "1/root/b/c", "root/end"]
    assert [call.context.path for call in second.calls] == paths[paths.index(last) :]
    # What was spent before counts, for the run and for the node.
    assert result.usage_by_node["1"].generated_tokens == 2 * len(INNER)
    assert result.usage.generated_tokens == 2 * len(INNER) + len(OUTER)


async def test_a_planner_inside_goes_on_from_its_last_complete_line(tmp_path: Path) -> None:
    lines = '1. think("a")\n2. think("b")\n3. think("c")\njoin()'

    def script(context: Context, sampling: Sampling) -> str:
        path = context.path
        return lines[len(context.turns[-1].text) :] if path == "1/plan" else INNER

    def make(engine: FakeEngine) -> Agent:
        inner = maths(engine, planner=LLMCompiler(max_replans=0))
        return Agent(engine, tools=[inner], planner=given(asks("1")), runs=tmp_path)

    with anyio.CancelScope() as scope:

        def stop(event: Event) -> None:
            if isinstance(event, GenerationStarted) and event.path == "1/root/2":
                scope.cancel()

        await make(FakeEngine(script, chunk_tokens=7)).run("?", subscribers=[stop])
    (folder,) = tmp_path.iterdir()
    engine = FakeEngine(script)
    assert str(await make(engine).resume(folder)) == "42"
    (planning,) = [call for call in engine.calls if call.context.path == "1/plan"]
    assert planning.context.turns[-1].text == lines[: lines.index("3.")]


async def test_a_tool_inside_that_may_not_be_repeated_is_repeated_by_its_path(
    tmp_path: Path,
) -> None:
    counting = Counting(repeatable=False)
    scope = anyio.CancelScope()
    stopped = False

    @tool(repeatable=False)
    async def look() -> int:
        """Looks."""
        counting.calls += 1
        if not stopped:
            scope.cancel()
            await anyio.sleep_forever()
        return 5

    def make() -> Agent:
        plan = given(Call(id="a", tool="look"))
        inner = maths(FakeEngine(), tools=[look], planner=plan)
        return Agent(FakeEngine(), tools=[inner], planner=given(asks("1")), runs=tmp_path)

    with scope:
        await make().run("?")
    stopped = True
    (folder,) = tmp_path.iterdir()
    with pytest.raises(RunFailed, match="resume with --repeat 1/a to call it again"):
        await make().resume(folder)
    assert counting.calls == 1
    result = await make().resume(folder, repeat=["1/a"])
    assert (str(result), counting.calls) == ("5", 2)
    assert json.loads((folder / "metrics.json").read_text())["answer"] == "5"


async def test_it_takes_dependencies_and_approval_of_the_outer_run() -> None:
    asked: list[str] = []

    @tool(approval=True)
    async def look(context: ToolContext[str]) -> str:
        """Looks."""
        return context.dependencies

    def approve(request: ApprovalRequest) -> bool:
        asked.append(f"{request.node}: {request.tool}")
        return True

    told: list[Event] = []
    plan = given(Call(id="a", tool="look"))
    inner = maths(FakeEngine(), tools=[look], planner=plan)
    agent = Agent(FakeEngine(), tools=[inner], planner=given(asks("1")), approve=approve)
    result = await agent.run("?", dependencies="the library", subscribers=[told.append])
    assert (str(result), asked) == ("the library", ["1/a: look"])
    # Who looks at the outer run sees that its node waits.
    assert [one.node for one in told if isinstance(one, ApprovalAsked | ApprovalDecided)] == [
        "1"
    ] * 2
    own = maths(FakeEngine(), tools=[look], planner=plan, dependencies="its own")
    agent = Agent(FakeEngine(), tools=[own], planner=given(asks("1")), approve=approve)
    assert str(await agent.run("?", dependencies="the library")) == "its own"
