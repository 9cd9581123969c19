"""The client's own tools: several requests, each with all that was said before, are one run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engines import FakeEngine, Outcome, UsageError
from orchestrator import Agent, RunInUse, RunResult, tool
from orchestrator.errors import InvalidRequest, RunDeferred
from orchestrator.gateway.answering.client_tools import client_tools, open_run, tool_calls
from orchestrator.history import History
from orchestrator.openai_api.model_request import ModelRequest, ToolResult
from orchestrator.openai_api.pieces import ToolCall
from orchestrator.runs.run_folder import RunFolder
from planners import Call, Node, Reduce, Reference, ToolSpecification
from tests import backends
from tests.orchestrator.plans import given

anyio_backend = backends.virtual_backend

_PLACE = {"type": "object", "properties": {"place": {}}, "required": ["place"]}
WEATHER = ToolSpecification(name="weather", description="Looks out.", parameters=_PLACE)
REQUEST = ModelRequest(turns=(("user", "Where is it dry?"),), tools=(WEATHER,))
RUN = "20261127-065248-a1b2c3"


def weather(node: str, place: Any) -> Call:
    return Call(id=node, tool="weather", arguments={"place": place})


PLAN: tuple[Node, ...] = (
    weather("1", "Paris"),
    weather("2", "Rome"),
    weather("3", Reference(node="1", field="next")),
    Reduce(id="4", inputs=("1", "2", "3"), reducer="synthesise"),
)
FOUND = {"Paris": '{"sky": "rain", "next": "Oslo"}', "Rome": "sun, sun", "Oslo": "snow"}


class Server:
    """Answers requests, with a folder of runs as its only memory."""

    def __init__(self, runs: Path, plan: Sequence[Node] = PLAN) -> None:
        self.engine = FakeEngine("\\boxed{Rome}")
        self.runs = runs
        self.plan = plan

    @property
    def asked(self) -> list[str]:
        return [call.context.path for call in self.engine.calls]

    async def answer(
        self, request: ModelRequest, *, owner: str = "me", **options: Any
    ) -> RunResult[Any] | tuple[ToolCall, ...]:
        """The result, or the calls that the client has to make."""
        *before, _ = request.turns
        agent: Agent[Any] = Agent(
            self.engine,
            **{
                "tools": client_tools(request, ()),
                "planner": given(*self.plan),
                "runs": self.runs,
                **options,
            },
        )
        history = History.of_turns(before, self.engine.fingerprint)
        try:
            async with open_run(
                agent, request, history=history, runs=self.runs, owner=owner
            ) as events:
                async for _ in events:
                    pass
        except RunDeferred as deferred:
            return tool_calls(deferred)
        return events.result

    async def calls(self, request: ModelRequest, **options: Any) -> tuple[ToolCall, ...]:
        answer = await self.answer(request, **options)
        assert isinstance(answer, tuple), answer
        return answer

    async def result(self, request: ModelRequest, **options: Any) -> RunResult[Any]:
        answer = await self.answer(request, **options)
        assert not isinstance(answer, tuple), answer
        return answer

    @property
    def folders(self) -> int:
        return len(list(self.runs.iterdir()))


def with_results(
    request: ModelRequest, calls: Sequence[ToolCall], found: Mapping[Any, str] = FOUND
) -> ModelRequest:
    """The next request: the same, with what came of the calls."""
    results = tuple(
        ToolResult(
            id=call.id,
            name=call.name,
            arguments=call.arguments,
            text=found[json.loads(call.arguments)["place"]],
        )
        for call in calls
    )
    return replace(request, results=(*request.results, *results))


# Rounds


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_requests_with_results_go_on_with_one_run(tmp_path: Path, stream: bool) -> None:
    server = Server(tmp_path)
    request = replace(REQUEST, stream=stream)
    calls = await server.calls(request)
    # All that are ready, at once.
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("weather", {"place": "Paris"}),
        ("weather", {"place": "Rome"}),
    ]
    second = with_results(request, calls)
    calls = await server.calls(second)
    assert [json.loads(call.arguments) for call in calls] == [{"place": "Oslo"}]
    result = await server.result(with_results(second, calls))
    assert str(result) == "Rome"
    # JSON can be looked into, and text stays text.
    assert result.outcomes["1"].value is not None
    assert result.outcomes["1"].value.data == {"sky": "rain", "next": "Oslo"}
    assert result.outcomes["2"].value is not None
    assert result.outcomes["2"].value.data == "sun, sun"
    assert server.folders == 1
    assert server.asked == ["root/4/synthesise"]


@pytest.mark.anyio
async def test_the_same_results_sent_again_give_the_same_answer(tmp_path: Path) -> None:
    server = Server(tmp_path)
    first = await server.calls(REQUEST)
    second = with_results(REQUEST, first)
    again = [await server.calls(second) for _ in range(2)]
    assert again[0] == again[1]
    third = with_results(second, again[0])
    answers = [str(await server.result(third)) for _ in range(2)]
    assert answers == ["Rome", "Rome"]
    # One that came late changes nothing either.
    assert str(await server.result(third)) == "Rome"
    assert (server.folders, server.asked) == (1, ["root/4/synthesise"])


@pytest.mark.anyio
async def test_results_may_come_for_some_of_the_calls(tmp_path: Path) -> None:
    server = Server(tmp_path)
    calls = await server.calls(REQUEST)
    rest = await server.calls(with_results(REQUEST, calls[1:]))
    assert [json.loads(call.arguments)["place"] for call in rest] == ["Paris"]
    assert server.folders == 1


@pytest.mark.anyio
async def test_a_client_that_takes_one_call_at_a_time_gets_the_first(tmp_path: Path) -> None:
    agent: Agent[Any] = Agent(
        FakeEngine(), tools=client_tools(REQUEST, ()), planner=given(*PLAN), runs=tmp_path
    )
    with pytest.raises(RunDeferred) as caught:
        await agent.run("Why?")
    (call,) = tool_calls(caught.value, parallel=False)
    assert call == tool_calls(caught.value)[0]


# A plan that is made anew


@pytest.mark.anyio
@pytest.mark.parametrize("lost", ["folder", "journal", "configuration"])
async def test_where_the_run_is_lost_the_plan_is_made_anew_and_told_what_is_known(
    tmp_path: Path, lost: str
) -> None:
    server = Server(tmp_path)
    request = with_results(REQUEST, await server.calls(REQUEST))
    (folder,) = tmp_path.iterdir()
    if lost == "folder":
        shutil.rmtree(folder)
    else:
        (folder / {"journal": "journal.sqlite", "configuration": "config.yaml"}[lost]).unlink()
    server.plan = (weather("1", "Oslo"), Reduce(id="2", inputs=("1",), reducer="synthesise"))
    calls = await server.calls(request)
    third = with_results(request, calls)
    result = await server.result(third)
    question = (
        "Where is it dry?\n\nThese calls were made for it already:\n"
        'weather({"place": "Paris"}) = {"sky": "rain", "next": "Oslo"}\n'
        'weather({"place": "Rome"}) = sun, sun'
    )
    # Planner and threads are told.
    assert result.plan.question == question
    assert server.engine.calls[-1].context.turns[0].text.startswith(question)
    # The second run is known by its own calls, whatever was before it.
    assert server.asked == ["root/2/synthesise"]
    folders = 1 if lost == "folder" else 2
    assert server.folders == folders
    # What it was told is a part of it.
    first, *others = third.results
    await server.calls(replace(third, results=(replace(first, text="sun"), *others)))
    assert server.folders == folders + 1


OTHER = (ToolSpecification(name="weather", description="Looks in.", parameters=_PLACE),)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change",
    [
        {"owner": "somebody else"},
        {"turns": (("user", "Where is it wet?"),)},
        {"turns": (("system", "Be brief."), ("user", "Where is it dry?"))},
        {"tools": OTHER},
        {"planner": given(*PLAN[:1])},
        {"on_failure": "fail"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_nobody_goes_on_with_a_run_of_others_or_of_another_question(
    tmp_path: Path, change: Any
) -> None:
    server = Server(tmp_path)
    request = with_results(REQUEST, await server.calls(REQUEST))
    before = (next(tmp_path.iterdir()) / "events.jsonl").read_bytes()
    fields = {name: value for name, value in change.items() if name in ("turns", "tools")}
    options = {name: value for name, value in change.items() if name not in fields}
    (first, *_) = tmp_path.iterdir()
    await server.calls(replace(request, **fields), **options)
    assert server.folders == 2
    assert (first / "events.jsonl").read_bytes() == before


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change",
    [
        {"id": f"call_{RUN}_1"},
        {"id": "call_abc"},
        {"id": "call_../../../etc/passwd_1"},
        {"name": "climate"},
        {"arguments": '{"place": "Bonn"}'},
        {"arguments": "{"},
    ],
    ids=lambda change: "-".join(change.values()),
)
async def test_results_that_no_run_has_asked_for_are_told_to_a_new_one(
    tmp_path: Path, change: Any
) -> None:
    server = Server(tmp_path)
    request = with_results(REQUEST, await server.calls(REQUEST))
    *others, last = request.results
    await server.calls(replace(request, results=(*others, replace(last, **change))))
    assert server.folders == 2


@pytest.mark.anyio
async def test_other_results_than_before_begin_a_new_run(tmp_path: Path) -> None:
    server = Server(tmp_path)
    calls = await server.calls(REQUEST)
    await server.calls(with_results(REQUEST, calls))
    await server.calls(with_results(REQUEST, calls, {**FOUND, "Rome": "rain"}))
    assert server.folders == 2
    # The first is as it was.
    assert len(await server.calls(with_results(REQUEST, calls))) == 1
    assert server.folders == 2


@pytest.mark.anyio
async def test_two_requests_at_once_are_not_two_runs(tmp_path: Path) -> None:
    server = Server(tmp_path)
    request = with_results(REQUEST, await server.calls(REQUEST))
    (folder,) = tmp_path.iterdir()
    with RunFolder.reopen(folder), pytest.raises(RunInUse):
        await server.answer(request)
    assert server.folders == 1


@pytest.mark.anyio
async def test_what_fails_in_the_middle_of_a_run_begins_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path)
    request = with_results(REQUEST, await server.calls(REQUEST))

    async def failing(self: Any, *arguments: Any) -> None:
        raise UsageError("late")

    monkeypatch.setattr("orchestrator.run.Run._execute", failing)
    with pytest.raises(UsageError, match="late"):
        await server.answer(request)
    assert server.folders == 1


# Tools


def test_tools_of_a_request_are_deferred() -> None:
    (made,) = client_tools(REQUEST, ["multiply"])
    assert made.deferred
    assert made.specification.name == "weather"
    assert client_tools(replace(REQUEST, tool_choice="none"), ["weather"]) == ()
    assert client_tools(replace(REQUEST, tools=(), tool_choice="required"), ()) == ()


@pytest.mark.parametrize(
    ("request_", "server", "said", "field"),
    [
        (REQUEST, ["weather"], "the tool 'weather' is the server's own", "tools"),
        (replace(REQUEST, tool_choice="required"), [], "tool_choice of 'required' cannot", "tool_choice"),
        (replace(REQUEST, tool_choice="weather"), [], "tool_choice of 'weather' cannot", "tool_choice"),
    ],
)  # fmt: skip
def test_what_a_plan_cannot_do_is_refused(
    request_: ModelRequest, server: list[str], said: str, field: str
) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        client_tools(request_, server)
    assert caught.value.field == field


@pytest.mark.anyio
async def test_tools_of_server_and_client_work_in_one_plan(tmp_path: Path) -> None:
    @tool
    async def shout(text: str) -> str:
        """Shouts."""
        return text.upper()

    plan = (weather("1", "Rome"), Call(id="2", tool="shout", arguments={"text": Reference(node="1")}))  # fmt: skip
    server = Server(tmp_path, plan)
    tools = (*client_tools(REQUEST, ()), shout)
    calls = await server.calls(REQUEST, tools=tools)
    assert str(await server.result(with_results(REQUEST, calls), tools=tools)) == "SUN, SUN"


READ = [
    ("4", 4), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ('{"a":1}', {"a": 1}), ('"hi"', "hi"),
    ("hi", "hi"), ("1e5", "1e5"), ("5.00", "5.00"), (" 4", " 4"), ("007", "007"), ("NaN", "NaN"), ("", ""),
    ('"\\ud83d"', '"\\ud83d"'), ("9" * 9000, "9" * 9000), ("[" * 9000, "[" * 9000), ("[1e999]", "[1e999]"),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "reason"), [("no\nsuch place", "no such place"), (" ", "it failed")]
)
async def test_a_client_says_that_a_call_failed(tmp_path: Path, error: str, reason: str) -> None:
    server = Server(tmp_path)
    calls = await server.calls(REQUEST)
    found = {"Paris": json.dumps({"error": error}), "Rome": '{"error": "none", "sky": "sun"}'}
    request = with_results(REQUEST, calls, found)
    for _ in range(2):
        result = await server.result(request)
        assert result.outcomes["1"] == Outcome("failed", reason=reason)
        assert result.outcomes["2"].status == "ok", "a field of this name is no failure"
        assert result.outcomes["3"].reason == f"node '1' failed: {reason}"
    assert server.folders == 1


@pytest.mark.anyio
async def test_a_result_is_data_where_it_is_json(tmp_path: Path) -> None:
    server = Server(tmp_path, [weather(str(number), number) for number in range(len(READ))])
    calls = await server.calls(REQUEST)
    found = {number: text for number, (text, _) in enumerate(READ)}
    result = await server.result(with_results(REQUEST, calls, found))
    values = [result.outcomes[str(number)].value for number in range(len(READ))]
    assert [repr(value and value.data) for value in values] == [repr(data) for _, data in READ]
