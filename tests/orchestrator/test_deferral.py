"""Calls that somebody outside makes: a run stops with all that are ready, and goes on with what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engines import FakeEngine, Outcome, UsageError
from orchestrator import Agent, Event, JournalError, RunResult, Tool, ToolError, tool
from orchestrator.deferral import DeferredCall
from orchestrator.errors import RunDeferred, RunFailed
from orchestrator.events import CallDeferred, NodeFinished, NodeStarted, RunFinished
from orchestrator.runs.run_record import RunReader
from orchestrator.tools.deferred import deferred_tool
from planners import Call, Node, Reduce, Reference, Think, ToolSpecification
from tests import backends
from tests.orchestrator.journals import FillingUp
from tests.orchestrator.plans import by_path, given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio


def outside(name: str = "weather", *parameters: str) -> Tool:
    """A tool of the caller."""
    properties: dict[str, Any] = {parameter: {} for parameter in parameters or ("place",)}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return deferred_tool(ToolSpecification(name=name, description="Asks.", parameters=schema))


@tool
async def double(amount: float) -> float:
    """Doubles."""
    return 2 * amount


def weather(node: str, place: Any = "Paris") -> Call:
    return Call(id=node, tool="weather", arguments={"place": place})


def doubled(node: str, needs: str) -> Call:
    return Call(id=node, tool="double", arguments={"amount": Reference(node=needs)})


TWO: tuple[Node, ...] = (
    weather("1"),
    weather("2"),
    Reduce(id="3", inputs=("1", "2"), reducer="majority"),
)


class Asking:
    """An agent whose caller makes the calls of `weather`, with what was told of its runs."""

    def __init__(self, runs: Path, *nodes: Node, engine: FakeEngine | None = None, **options: Any):
        self.engine = engine or FakeEngine("\\boxed{7}")
        self.events: list[Event] = []
        tools = (outside(), double)
        options = {"planner": given(*nodes) if nodes else "llm-compiler", **options}
        self.agent = Agent(self.engine, tools=tools, runs=runs, **options)

    async def begin(self, question: str = "Why?") -> RunResult[str]:
        self.events.clear()
        return await self.agent.run(question, subscribers=[self.events.append])

    async def go_on(self, folder: Path, **results: Any) -> RunResult[str]:
        self.events.clear()
        return await self.agent.resume(folder, results=results, subscribers=[self.events.append])

    async def deferred(self) -> RunDeferred:
        with pytest.raises(RunDeferred) as caught:
            await self.begin()
        return caught.value

    def told(self, kind: type[Any]) -> Sequence[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def asked(error: RunDeferred) -> Mapping[str, Mapping[str, Any]]:
    return {call.node: call.arguments for call in error.calls}


async def test_a_run_stops_with_its_calls_and_goes_on_with_what_came_of_them(
    tmp_path: Path,
) -> None:
    asking = Asking(tmp_path, weather("1"), Think(id="2", prompt="Sum up.", after=None),
                    Reduce(id="3", inputs=("1", "2"), reducer="synthesise"))  # fmt: skip
    error = await asking.deferred()
    assert error.calls == (DeferredCall(node="1", tool="weather", arguments={"place": "Paris"}),)
    # What does not need it has ended, and is not asked again.
    assert [call.context.path for call in asking.engine.calls] == ["root/2"]
    assert error.usage.generated_tokens > 0
    assert [node.id for node in error.plan.nodes] == ["1", "2", "3"]
    result = await asking.go_on(error.folder, **{"1": "rain"})
    assert str(result) == "7"
    assert [call.context.path for call in asking.engine.calls] == ["root/2", "root/3/synthesise"]
    assert result.outcomes["1"].value is not None
    assert result.outcomes["1"].value.data == "rain"


async def test_events_say_that_a_call_waits_and_how_the_run_ended(tmp_path: Path) -> None:
    asking = Asking(tmp_path, weather("1"), doubled("2", "1"))
    error = await asking.deferred()
    (waiting,) = asking.told(CallDeferred)
    assert (waiting.node, waiting.tool, waiting.arguments) == ("1", "weather", {"place": "Paris"})
    # It has begun, and neither it nor what needs it has ended.
    assert [event.node for event in asking.told(NodeStarted)] == ["1"]
    assert asking.told(NodeFinished) == []
    (end,) = asking.told(RunFinished)
    assert (end.status, end.reason) == ("deferred", error.reason)
    assert asking.events[-1] is end
    record = RunReader(error.folder).read()
    assert record.state == "deferred"
    assert {name: node.state for name, node in record.view.nodes.items()} == {
        "1": "waiting",
        "2": "waiting",
    }
    assert record.view.statistics().nodes == {"waiting": 2}
    await asking.go_on(error.folder, **{"1": 4})
    assert RunReader(error.folder).read().state == "ok"


async def test_all_ready_calls_come_at_once_also_those_that_others_make_ready(
    tmp_path: Path,
) -> None:
    nodes = [
        weather("1"),
        Call(id="2", tool="double", arguments={"amount": 3}),
        weather("3", Reference(node="2")),
        weather("4", Reference(node="1")),
    ]
    asking = Asking(tmp_path, *nodes)
    error = await asking.deferred()
    assert asked(error) == {"1": {"place": "Paris"}, "3": {"place": 6.0}}
    with pytest.raises(RunDeferred) as caught:
        await asking.go_on(error.folder, **{"1": "rain", "3": None})
    assert asked(caught.value) == {"4": {"place": "rain"}}
    result = await asking.go_on(error.folder, **{"4": {"sky": ["blue"]}})
    assert result.outcomes["4"].value is not None
    assert result.outcomes["4"].value.data == {"sky": ["blue"]}


async def test_results_may_come_one_by_one_and_are_kept(tmp_path: Path) -> None:
    asking = Asking(tmp_path, *TWO)
    folder = (await asking.deferred()).folder
    with pytest.raises(RunDeferred) as caught:
        await asking.go_on(folder, **{"2": "sun"})
    assert list(asked(caught.value)) == ["1"]
    assert str(await asking.go_on(folder, **{"1": "sun"})) == "sun"
    # Nothing is missing any more, and what was given once may be given again.
    assert str(await asking.go_on(folder)) == "sun"
    assert str(await asking.go_on(folder, **{"1": "sun", "2": "sun"})) == "sun"


@pytest.mark.parametrize("on_failure", ["skip", "substitute", "fail"])
async def test_a_call_can_fail_outside_as_a_tool_does(tmp_path: Path, on_failure: Any) -> None:
    think = Think(id="2", prompt="Go on.", after=None)
    asking = Asking(tmp_path, weather("1"), think, on_failure=on_failure)
    folder = (await asking.deferred()).folder
    if on_failure == "fail":
        with pytest.raises(Exception, match="node '1' failed: no network"):
            await asking.go_on(folder, **{"1": ToolError("no network")})
        return
    result = await asking.go_on(folder, **{"1": ToolError("no network")})
    assert result.outcomes["1"] == Outcome("failed", reason="no network")
    # A later resume has the failure too, and does not ask again.
    assert (await asking.go_on(folder)).outcomes["1"].reason == "no network"
    # Whoever wants another try gets it, and a result then stays.
    with pytest.raises(RunDeferred):
        await asking.agent.resume(folder, repeat=["1"])
    for _ in range(2):
        again = await asking.go_on(folder, **{"1": "rain"})
        assert again.outcomes["1"].value is not None
        assert again.outcomes["1"].value.data == "rain"
    for other in ("snow", ToolError("no network")):
        with pytest.raises(UsageError, match="node '1' has another result already"):
            await asking.go_on(folder, **{"1": other})


@pytest.mark.parametrize("on_failure", ["skip", "substitute", "fail"])
async def test_what_needs_a_waiting_call_waits_whatever_is_done_about_failures(
    tmp_path: Path, on_failure: Any
) -> None:
    nodes: list[Node] = [
        Think(id="1", prompt="Begin."),
        weather("2", Reference(node="1")),
        Reduce(id="3", inputs=("1", "2"), reducer="majority"),
        Think(id="4", prompt="Go on.", after="3"),
    ]
    asking = Asking(tmp_path, *nodes, on_failure=on_failure)
    error = await asking.deferred()
    assert list(asked(error)) == ["2"]
    assert [call.context.path for call in asking.engine.calls] == ["root/1"]
    result = await asking.go_on(error.folder, **{"2": "7"})
    assert {outcome.status for outcome in result.outcomes.values()} == {"ok"}


async def test_where_the_first_failure_ends_the_run_nothing_waits_any_more(tmp_path: Path) -> None:
    nodes = (weather("1"), Think(id="2", prompt="How much?"), doubled("3", "2"))
    asking = Asking(tmp_path, *nodes, engine=FakeEngine("much"), on_failure="fail")
    with pytest.raises(RunFailed, match="ended by its first failure: node '3' failed"):
        await asking.begin()
    ends = {event.node: event.status for event in asking.told(NodeFinished)}
    assert ends == {"1": "cancelled", "2": "ok", "3": "failed"}


async def test_equal_calls_of_two_nodes_are_two(tmp_path: Path) -> None:
    asking = Asking(tmp_path, *TWO)
    assert list(asked(await asking.deferred())) == ["1", "2"]


@pytest.mark.parametrize(
    ("place", "sent"), [("caf\ud83d", "caf?"), ([float("inf"), float("nan")], [None, None])]
)
async def test_arguments_that_cannot_be_sent_are_replaced(
    tmp_path: Path, place: Any, sent: Any
) -> None:
    asking = Asking(tmp_path, weather("1", place))
    error = await asking.deferred()
    assert asked(error) == {"1": {"place": sent}}
    assert str(await asking.go_on(error.folder, **{"1": "rain"})) == "rain"


async def test_a_reason_names_a_few_of_many_calls(tmp_path: Path) -> None:
    error = await Asking(tmp_path, *(weather(str(n)) for n in range(20))).deferred()
    assert len(error.calls) == 20
    assert error.reason.startswith("the run waits for what comes of node '0' (weather), node '1'")
    assert error.reason.endswith("node '7' (weather) and 12 more")


async def test_a_run_that_nothing_was_given_asks_the_same_again(tmp_path: Path) -> None:
    asking = Asking(tmp_path, weather("1"))
    error = await asking.deferred()
    with pytest.raises(RunDeferred) as caught:
        await asking.go_on(error.folder)
    assert (caught.value.calls, caught.value.folder) == (error.calls, error.folder)


# A planner that waits for results

FIRST = '1. weather("Paris")\n2. double(4)\njoin()'
JOINER = "plan/joiner-1"


def compiling(**replies: str) -> FakeEngine:
    from tests.planners.test_joiner import replan

    told = {
        "plan": FIRST,
        JOINER: replan("the weather in Rome"),
        f"{JOINER}/replan-1": '3. weather("Rome")\njoin()',
        "root/4/synthesise": "dry everywhere",
    }
    return FakeEngine(by_path({**told, **replies}))


async def test_a_planner_that_looks_at_results_is_told_nothing_made_up(tmp_path: Path) -> None:
    asking = Asking(tmp_path, engine=compiling())
    error = await asking.deferred()
    assert list(asked(error)) == ["1"]
    # All that could run has run, and the joiner was not asked.
    assert [event.node for event in asking.told(NodeFinished)] == ["2"]
    assert [call.context.path for call in asking.engine.calls] == ["plan"]
    with pytest.raises(RunDeferred) as caught:
        await asking.go_on(error.folder, **{"1": "sun"})
    assert list(asked(caught.value)) == ["3"]
    result = await asking.go_on(error.folder, **{"3": "sun"})
    assert str(result) == "dry everywhere"
    paths = [call.context.path for call in asking.engine.calls]
    assert len(paths) == len(set(paths))
    # It stands in prompts as any result.
    assert "1. weather(place=Paris) = sun" in asking.engine.calls[-1].context.turns[-2].text


# Streams


async def test_a_resumed_run_can_be_streamed(tmp_path: Path) -> None:
    asking = Asking(tmp_path, weather("1"), Reduce(id="2", inputs=("1",), reducer="synthesise"))
    error = await asking.deferred()
    kinds, answer = [], ""
    async with asking.agent.stream_resumed(error.folder, results={"1": "rain"}) as events:
        async for event in events:
            kinds.append(event.kind)
            answer += event.delta if event.kind == "answer-text" else ""
    assert kinds[0] == "run-started"
    assert kinds[-1] == "run-finished"
    assert answer == "\\boxed{7}"
    assert str(events.result) == "7"


async def test_a_stream_ends_with_the_calls(tmp_path: Path) -> None:
    asking = Asking(tmp_path, weather("1"))
    kinds = []
    with pytest.raises(RunDeferred):
        async with asking.agent.stream("Why?") as events:
            kinds = [event.kind async for event in events]
    assert kinds[-2:] == ["call-deferred", "run-finished"]


# What cannot be


async def test_a_run_that_leaves_no_folder_cannot_wait(tmp_path: Path) -> None:
    agent = Agent(FakeEngine("x"), tools=[outside()], planner=given(weather("1")))
    with pytest.raises(UsageError, match=r"calls of weather are made by .*: give Agent\(runs="):
        await agent.run("Why?")


async def test_nor_can_a_run_inside_of_another(tmp_path: Path) -> None:
    inner = Asking(tmp_path / "inner", weather("1")).agent
    plan = given(Call(id="1", tool="ask", arguments={"question": "Why?"}))
    named = inner.as_tool(name="ask", description="Asks.")
    outer = Agent(FakeEngine("x"), tools=[named], planner=plan, runs=tmp_path / "outer")
    with pytest.raises(Exception, match="inside of another run it cannot stop to wait for them"):
        await outer.run("Why?")


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ({"9": 1}, "has asked for no result of node '9': it has for 1"),
        ({"1": float("nan")}, "no result can be kept: node '1' returned a float"),
        ({"1": object()}, "no result can be kept: node '1' returned a object"),
    ],
)
async def test_results_that_do_not_fit_are_refused_and_none_is_kept(
    tmp_path: Path, results: Any, said: str
) -> None:
    asking = Asking(tmp_path, weather("1"))
    folder = (await asking.deferred()).folder
    with pytest.raises(UsageError, match=said):
        await asking.go_on(folder, **results)
    with pytest.raises(RunDeferred):
        await asking.go_on(folder)


async def test_one_of_several_results_that_does_not_fit_keeps_none(tmp_path: Path) -> None:
    asking = Asking(tmp_path, *TWO)
    folder = (await asking.deferred()).folder
    with pytest.raises(RunDeferred):
        await asking.go_on(folder, **{"1": 1})
    with pytest.raises(UsageError, match="node '1' has another result already"):
        await asking.go_on(folder, **{"2": 2, "1": True})
    with pytest.raises(RunDeferred) as caught:
        await asking.go_on(folder)
    assert list(asked(caught.value)) == ["2"]


def test_a_deferred_tool_is_asked_once_for_each_call() -> None:
    specification = ToolSpecification(name="now", pure=True)
    made = deferred_tool(specification)
    assert (made.specification.pure, made.specification.repeatable) == (False, False)
    with pytest.raises(UsageError, match="now is called by whoever runs the agent"):
        made()


async def test_a_run_whose_last_spending_cannot_be_written_waits_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = FillingUp("\\boxed{7}")
    nodes = Think(id="0", prompt="Look."), *TWO
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.journal.journal.connect", race.connect)
        with pytest.raises(JournalError, match="database or disk is full"):
            await Asking(tmp_path, *nodes, engine=race.engine(), method=race).begin()
    (folder,) = tmp_path.iterdir()
    with pytest.raises(RunDeferred) as caught:
        await Asking(tmp_path, *nodes, method=race).go_on(folder)
    assert [call.node for call in caught.value.calls] == ["1", "2"]
