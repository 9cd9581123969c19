"""A client with tools of its own is answered by a plan, over as many requests as its calls take."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    EngineWrapper,
    FakeEngine,
    RetryPolicy,
    Sampling,
    Usage,
)
from orchestrator import CallPolicy, tool
from orchestrator.errors import InvalidRequest
from orchestrator.gateway.answering.answering import Answering
from orchestrator.openai_api.model_request import ModelRequest, ToolResult
from orchestrator.openai_api.pieces import ToolCall
from planners import ToolSpecification
from tests import backends
from tests.orchestrator.gateway.asking import answered, assert_counts_agree, request

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpecification(name="weather", description="The weather.", parameters=CITY)
PLAN = '1. weather("Rome")\n2. weather("Oslo")\n3. think("Compare $1 and $2.")\njoin()'
VERDICT = {"thought": "fine", "action": "finish", "answer": "Rome is warmer."}
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


def reply(context: Context, sampling: Sampling) -> str:
    if context.path == "plan":
        return PLAN
    return json.dumps(VERDICT) if context.path.startswith("plan/") else "Rome has more."


def asked(**fields: Any) -> ModelRequest:
    return request(**{"question": "Where is it warmer?", "tools": (WEATHER,), **fields})


def results_of(calls: list[ToolCall]) -> tuple[ToolResult, ...]:
    return tuple(
        ToolResult(id=call.id, name=call.name, arguments=call.arguments, text=f"{20 - i} degrees")
        for i, call in enumerate(calls)
    )


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("stream", [True, False])
async def test_calls_that_are_ready_come_at_once_and_the_plan_goes_on_with_their_results(
    tmp_path: Path, stream: bool, restarted: bool
) -> None:
    engine = FakeEngine(reply)
    answering = Answering(engine, runs=tmp_path, calls=ONCE)
    first = await answered(answering, asked(stream=stream))
    assert first.reasons == {0: "tool_calls"}
    assert first.text() == ""
    told = [(call.name, json.loads(call.arguments)) for call in first.calls]
    assert told == [("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})]
    assert len(engine.calls) == 1
    if restarted:
        answering = Answering(engine, runs=tmp_path, calls=ONCE)
    second = await answered(answering, asked(stream=stream, results=results_of(first.calls)))
    assert second.text() == "Rome is warmer."
    assert second.reasons == {0: "stop"}
    assert second.ended.detail["run"] == first.ended.detail["run"]
    assert [call.context.path for call in engine.calls].count("plan") == 1
    compared = next(call.context for call in engine.calls if call.context.path == "root/3")
    assert "20 degrees" in compared.turns[0].text
    # Each request is told what it took itself.
    await assert_counts_agree(engine, first.ended.usage, second.ended.usage)


class Stalling(EngineWrapper):
    """Its first call of a thread stalls after its first chunk."""

    def __init__(self, inner: FakeEngine) -> None:
        super().__init__(inner)
        self.stalled = anyio.Event()

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(self._passing(context, chunks)) as passing,
        ):
            yield passing

    async def _passing(
        self, context: Context, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            yield chunk
            if context.path.startswith("root/") and not self.stalled.is_set():
                self.stalled.set()
                await anyio.sleep_forever()


async def test_what_a_call_took_that_was_left_is_not_told_to_who_goes_on(tmp_path: Path) -> None:
    engine = FakeEngine(reply, chunk_tokens=4)
    stalling = Stalling(engine)
    answering = Answering(stalling, runs=tmp_path, calls=ONCE)
    first = await answered(answering, asked(stream=True))
    second = asked(stream=True, results=results_of(first.calls))
    async with anyio.create_task_group() as group:
        group.start_soon(answered, answering, second)
        await stalling.stalled.wait()
        group.cancel_scope.cancel()
    left = await engine.statistics()
    done = await answered(answering, second)
    assert done.text() == "Rome is warmer."
    before = Usage(prompt_tokens=left.prompt_tokens, generated_tokens=left.generated_tokens)
    assert before.generated_tokens > first.ended.usage.generated_tokens
    await assert_counts_agree(engine, before, done.ended.usage)


async def test_a_client_may_take_one_call_at_a_time() -> None:
    with Answering(FakeEngine(reply), calls=ONCE) as answering:
        first = await answered(answering, asked(parallel_calls=False))
        assert len(first.calls) == 1
        second = await answered(
            answering, asked(parallel_calls=False, results=results_of(first.calls))
        )
        assert [json.loads(call.arguments) for call in second.calls] == [{"city": "Oslo"}]
        results = results_of([*first.calls, *second.calls])
        third = await answered(answering, asked(parallel_calls=False, results=results))
        assert third.text() == "Rome is warmer."


async def test_runs_of_somebody_else_are_not_gone_on_with(tmp_path: Path) -> None:
    engine = FakeEngine(reply)
    answering = Answering(engine, runs=tmp_path, calls=ONCE)
    first = await answered(answering, asked(), "me")
    await answered(answering, asked(results=results_of(first.calls)), "you")
    assert [call.context.path for call in engine.calls].count("plan") == 2


async def test_runs_live_for_a_while_where_none_are_kept(tmp_path: Path) -> None:
    with Answering(FakeEngine(reply), calls=ONCE, journal_dir=tmp_path) as answering:
        first = await answered(answering, asked())
        place = answering._temporary.folder()
        assert [folder.name for folder in place.iterdir()] == [first.ended.detail["run"]]
        assert place.stat().st_mode & 0o077 == 0
    assert not place.exists()
    assert not list(tmp_path.iterdir())


async def test_the_servers_own_tools_run_in_the_plan() -> None:
    @tool
    async def where() -> str:
        """A city."""
        return "Rome"

    def said(context: Context, sampling: Sampling) -> str:
        return "1. where()\n2. weather($1)\njoin()" if context.path == "plan" else reply(context, sampling)  # fmt: skip

    with Answering(FakeEngine(said), tools=[where], calls=ONCE) as answering:
        first = await answered(answering, asked(stream=True))
        assert [json.loads(call.arguments) for call in first.calls] == [{"city": "Rome"}]
        assert "node-finished" in {event["kind"] for event in first.told}
        clash = ToolSpecification(name="where")
        with pytest.raises(InvalidRequest, match="the server's own"):
            await answered(answering, asked(tools=(clash,)))


async def test_tools_that_may_not_be_called_leave_a_request_plain() -> None:
    engine = FakeEngine("Rome.")
    done = await answered(Answering(engine), asked(tool_choice="none"))
    assert done.text() == "Rome."
    assert engine.calls[0].context.turns[0].text == "Where is it warmer?"


async def test_who_leaves_while_it_is_planned_leaves_nothing_in_the_engine() -> None:
    engine = FakeEngine(reply, latency=0.001, seconds_per_token=0.001, chunk_tokens=1)
    with Answering(engine, calls=ONCE) as answering:
        async with answering.answer(asked(stream=True), owner="") as pieces:
            async for _ in pieces:
                if (await engine.statistics()).running:
                    break
        assert (await engine.statistics()).running == 0
        assert engine.aborted == 1


TIME = ToolSpecification(name="time", description="The time.", parameters=CITY)


def caller(context: Context, sampling: Sampling) -> str:
    """Chooses the last function that it is told of, and calls it for Rome."""
    return '{"function": "time"}' if context.path == "call/function" else '{"city": "Rome"}'


@pytest.mark.parametrize("text_only", [True, False])
@pytest.mark.parametrize(
    ("choice", "name", "calls"), [("weather", "weather", 1), ("time", "time", 1), ("required", "time", 2)]
)  # fmt: skip
async def test_a_call_that_is_demanded_is_made(
    choice: str, name: str, calls: int, text_only: bool
) -> None:
    engine = FakeEngine(caller, text_only=text_only)
    wanted = asked(tools=(WEATHER, TIME), tool_choice=choice)
    done = await answered(Answering(engine, calls=ONCE), wanted)
    (call,) = done.calls
    assert (call.name, json.loads(call.arguments)) == (name, {"city": "Rome"})
    assert done.reasons == {0: "tool_calls"}
    assert len(engine.calls) == calls
    await assert_counts_agree(engine, done.ended.usage)
    # What comes of it begins a run.
    results = results_of(done.calls)
    with Answering(FakeEngine(reply), calls=ONCE) as answering:
        told = await answered(answering, asked(tools=(WEATHER, TIME), results=results))
    assert told.calls


async def test_a_call_that_is_demanded_again_knows_what_came_of_the_first() -> None:
    engine = FakeEngine(caller)
    call = ToolCall(id="call_1", name="weather", arguments='{"city": "Rome"}')
    wanted = asked(tool_choice="weather", results=results_of([call]))
    done = await answered(Answering(engine), wanted)
    assert 'weather({"city": "Rome"}) = 20 degrees' in engine.calls[0].context.turns[0].text
    assert done.calls[0].id != "call_1"


async def test_arguments_that_do_not_fit_are_asked_for_again() -> None:
    engine = FakeEngine(['{"town": "Rome"}', '{"city": "Rome"}'])
    done = await answered(Answering(engine, calls=ONCE), asked(tool_choice="weather"))
    assert json.loads(done.calls[0].arguments) == {"city": "Rome"}
    assert len(engine.calls) == 2
    await assert_counts_agree(engine, done.ended.usage)


async def test_of_calls_that_are_demanded_there_is_one() -> None:
    with pytest.raises(InvalidRequest, match="n of 2"):
        await answered(Answering(FakeEngine(caller)), asked(tool_choice="weather", choices=2))
    with pytest.raises(InvalidRequest, match="n of 65: at most 64"):
        await answered(Answering(FakeEngine(caller)), request(choices=65))
