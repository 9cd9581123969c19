"""A request that names a method or a planner is one run: its texts and events, its answer, and what it took."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    BudgetExhausted,
    Choice,
    Context,
    ContextTooLong,
    EngineError,
    FakeEngine,
    JsonSchema,
    RetryPolicy,
    Sampling,
    UsageError,
)
from orchestrator import Budget, CallPolicy, RunFailed, tool
from orchestrator.errors import InvalidRequest, RunRefused, UnknownModel
from orchestrator.events import ToolProgress
from orchestrator.gateway.answering.answering import Answering
from orchestrator.gateway.answering.client_tools import OWNER
from orchestrator.gateway.answering.telling import Telling
from orchestrator.openai_api.pieces import Said
from orchestrator.runs.run_record import RunReader
from planners import PLANNERS
from reasoning import METHODS
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.gateway.asking import answered, assert_counts_agree, request

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

SAID = "Two and two: \\boxed{4}."
PLAN = '1. think("Add.")\n2. think("Check.")\njoin()'
OUTLINE = {"goal": "Know.", "outlines": [{"task": "Add"}, {"task": "Check"}]}
STEPS = {
    "steps": [
        {"task": "Find 1.", "needs": []},
        {"task": "Find 2.", "needs": [1]},
    ]
}
VERDICT = {"thought": "fine", "action": "finish", "answer": SAID}
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


def reply(context: Context, sampling: Sampling) -> str:
    """What a model would say to methods and planners."""
    path = context.path
    if isinstance(sampling.constraint, Choice):
        return sampling.constraint.options[0]
    if path.startswith("scale/outline"):
        return json.dumps(STEPS)
    if path.startswith("scale"):
        return "2"
    if path.startswith("outline"):
        return json.dumps(OUTLINE)
    if path == "plan":
        return PLAN
    if path.startswith("plan/"):
        return json.dumps(VERDICT)
    return SAID


@tool
async def secret() -> str:
    """Tells it."""
    return "hunter2"


@pytest.mark.parametrize(
    ("name", "stream"),
    [*((name, True) for name in (*METHODS, *PLANNERS)), ("multiverse", False), ("scale", False)],
)
async def test_every_way_answers_and_tells_all_that_it_took(name: str, stream: bool) -> None:
    engine = FakeEngine(reply)
    done = await answered(Answering(engine), request(f"fake@{name}", stream=stream))
    assert "4" in done.text()
    assert done.reasons == {0: "stop"}
    ended = done.ended
    await assert_counts_agree(engine, ended.usage)
    assert 0 <= ended.reasoning_tokens <= ended.usage.generated_tokens
    detail = ended.detail
    assert json.loads(json.dumps(detail)) == detail
    by_node = detail["usage"].values()
    for part in ("prompt_tokens", "generated_tokens"):
        assert sum(usage[part] for usage in by_node) == getattr(ended.usage, part)
    assert 0 < detail["critical_path"] <= ended.usage.generated_tokens
    assert done.told == [] or stream


@pytest.mark.parametrize("name", ["chain-of-thought", "parathinker", "hogwild", "beam", *PLANNERS])
async def test_who_leaves_a_run_early_leaves_nothing_in_the_engine(name: str) -> None:
    engine = FakeEngine(reply, latency=0.001, seconds_per_token=0.001, chunk_tokens=1)
    answering = Answering(engine)
    async with answering.answer(request(f"fake@{name}", stream=True), owner="") as pieces:
        async for _ in pieces:
            if (await engine.statistics()).running:
                break
    assert (await engine.statistics()).running == 0
    assert engine.aborted > 0


def test_who_is_cancelled_while_a_run_works_leaves_nothing_in_the_engine() -> None:
    async def main() -> tuple[int, int]:
        engine = FakeEngine(reply, latency=50)
        with anyio.move_on_after(1):
            await answered(Answering(engine), request("@self-consistency:n=5"))
        return (await engine.statistics()).running, engine.aborted

    assert run_virtually(main) == (0, 5)


async def test_the_answer_of_one_thread_comes_while_it_is_generated() -> None:
    engine = FakeEngine(SAID, chunk_tokens=5)
    done = await answered(Answering(engine), request("@chain-of-thought", stream=True))
    assert done.text() == SAID
    assert sum(isinstance(piece, Said) for piece in done.pieces) == 5
    # It is no reasoning beside.
    assert done.reasoning == ""
    assert done.ended.reasoning_tokens == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_of_a_vote_the_chosen_thread_is_read_and_all_of_them_led_to_it(stream: bool) -> None:
    def said(context: Context, sampling: Sampling) -> str:
        return f"By {context.path[-8:]}: \\boxed{{{'5' if '2' in context.path else '4'}}}"

    done = await answered(
        Answering(FakeEngine(said)), request("@self-consistency:n=3", stream=stream)
    )
    assert done.text() == "By sample-0: \\boxed{4}"
    assert done.ended.detail["value"] == "4"
    assert ("[1/sample-0]" in done.reasoning) == stream
    assert "[1/sample-2]\nBy sample-2: \\boxed{5}\n\n" in done.reasoning
    chosen = {thread["path"]: thread["chosen"] for thread in done.ended.detail["threads"]}
    assert chosen == {"root/1/sample-0": True, "root/1/sample-1": False, "root/1/sample-2": False}
    assert done.ended.reasoning_tokens == 2 * len(done.text())


async def test_what_a_person_reads_has_no_tags() -> None:
    opening = "So: <Parallel><Goal><Outline>1: Add</Outline><Outline>2: Check</Outline></Goal>"

    def said(context: Context, sampling: Sampling) -> str:
        if context.path == "root/1":
            return opening
        is_thread = "thread" in context.path
        return " it is four.</Path>" if is_thread else "Both agree.</Conclusion></Parallel> Done."

    done = await answered(Answering(FakeEngine(said)), request("@multiverse", stream=True))
    assert done.text() == "So:\nBoth agree.\nDone."
    assert "it is four" in done.reasoning


async def test_what_a_planner_writes_is_reasoning_as_it_comes() -> None:
    engine = FakeEngine(reply)
    done = await answered(Answering(engine), request("@llm-compiler", stream=True))
    assert done.reasoning.startswith('1. think("Add.")')
    assert done.reasoning.count("think(") == 2
    assert f"[1]\n{SAID}" in done.reasoning


async def test_turns_before_the_question_are_its_history() -> None:
    engine = FakeEngine(SAID)
    turns = (("system", "Be brief."), ("user", "Hi."), ("assistant", "Yes?"), ("user", "2 + 2?"))
    await answered(Answering(engine), request("@chain-of-thought", turns=turns))
    (call,) = engine.calls
    said = [(turn.role, turn.text) for turn in call.context.turns]
    assert said[:3] == list(turns[:3])
    assert said[3][1].startswith("2 + 2?\n\nThink step by step.")


async def test_threads_sample_as_the_request_says() -> None:
    engine = FakeEngine(SAID)
    asked = request("@self-consistency:n=2", sampling={"max_tokens": 30, "temperature": 0.1})
    await answered(Answering(engine, sampling=Sampling(top_k=5, seed=1)), asked)
    assert len({call.sampling.seed for call in engine.calls}) == 2
    told = {call.sampling.model_copy(update={"seed": None}) for call in engine.calls}
    assert told == {Sampling(max_tokens=30, temperature=0.1, top_k=5)}


async def test_an_answer_that_a_limit_cut_says_so() -> None:
    asked = request("@chain-of-thought", sampling={"max_tokens": 5})
    done = await answered(Answering(FakeEngine(SAID)), asked)
    assert done.reasons == {0: "length"}
    assert done.ended.detail["remark"] == "it reached its token limit"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_format_is_that_of_the_answer(stream: bool) -> None:
    def said(context: Context, sampling: Sampling) -> str:
        return '{"sum": 4}' if isinstance(sampling.constraint, JsonSchema) else SAID

    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"sum": {"type": "integer"}},
        "required": ["sum"],
    }
    sampling = {"constraint": JsonSchema(definition=schema)}
    engine = FakeEngine(said)
    asked = request("@self-consistency:n=2", sampling=sampling, stream=stream)
    done = await answered(Answering(engine), asked)
    assert json.loads(done.text()) == {"sum": 4}
    assert done.reasoning.count(SAID) == 2
    assert done.ended.reasoning_tokens == 2 * len(SAID)
    await assert_counts_agree(engine, done.ended.usage)


async def test_events_are_told_to_who_streams_without_what_is_not_for_clients() -> None:
    def said(context: Context, sampling: Sampling) -> str | EngineError:
        if context.path == "plan":
            return '1. secret()\n2. think("Add.")\njoin()'
        if context.path == "root/2":
            return EngineError("http://10.0.0.7:8000 does not answer")
        return json.dumps(VERDICT)

    answering = Answering(FakeEngine(said), tools=[secret], calls=ONCE)
    done = await answered(answering, request("@llm-compiler", stream=True))
    kinds = [event["kind"] for event in done.told]
    assert kinds[0] == "run-started"
    assert kinds[-1] == "run-finished"
    assert {"node-planned", "node-started", "generation-finished", "node-finished"} <= set(kinds)
    assert {"plan-text", "answer-text"}.isdisjoint(kinds)
    everything = repr([*done.told, done.ended.detail])
    assert "hunter2" not in everything
    assert "10.0.0.7" not in everything
    assert "node '2' failed" in done.ended.detail["remark"]
    quiet = await answered(
        answering, request("@llm-compiler", stream=True, forkjoin={"events": False})
    )
    assert quiet.told == []
    assert quiet.text() == done.text()


def test_what_the_servers_own_tools_give_bit_by_bit_is_not_told() -> None:
    telling = Telling(streamed=True, events=True, says=True)
    assert "hunter2" not in repr(list(telling.pieces(ToolProgress(node="1", data="hunter2"))))


def test_tokens_are_told_now_and_then() -> None:
    async def main() -> list[tuple[float, int]]:
        engine = FakeEngine("x" * 200, seconds_per_token=0.01, chunk_tokens=1)
        done = await answered(Answering(engine), request("@chain-of-thought", stream=True))
        ticks = (event for event in done.told if event["kind"] == "tokens-generated")
        return [(round(tick["time"], 2), tick["tokens"]) for tick in ticks]

    assert run_virtually(main) == [(0.51, 51), (1.01, 50), (1.51, 50)]


async def test_runs_are_kept_where_they_are_wanted(tmp_path: Path) -> None:
    done = await answered(
        Answering(FakeEngine(SAID), runs=tmp_path), request("@self-consistency:n=2"), "a-digest"
    )
    (folder,) = tmp_path.iterdir()
    assert folder.name == done.ended.detail["run"]
    begun = RunReader(folder).read()
    assert begun.configuration[OWNER] == "a-digest"
    assert begun.question == "2 + 2?"
    await answered(Answering(FakeEngine(SAID), runs=tmp_path), request())
    assert list(tmp_path.iterdir()) == [folder]


async def test_nothing_is_kept_by_default(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with Answering(FakeEngine(reply)) as answering:
        assert (await answered(answering, request("@self-consistency"))).ended.detail["run"] == ""
    assert list(tmp_path.iterdir()) == []


async def test_a_budget_is_the_servers_or_less() -> None:
    answering = Answering(FakeEngine(SAID), budget=Budget(calls=3))
    for forkjoin, used in (({}, 3), ({"budget": {"calls": 2}}, 2), ({"budget": {"calls": 9}}, 3)):
        done = await answered(answering, request("@self-consistency", forkjoin=forkjoin))
        assert f"{8 - used} of 8 samples were lost" in done.ended.detail["remark"]
    tiny = Answering(FakeEngine(reply), budget=Budget(tokens=1))
    with pytest.raises(BudgetExhausted):
        await answered(tiny, request("@llm-compiler"))


@pytest.mark.parametrize("stream", [True, False])
async def test_what_ends_a_run_is_raised_to_who_reads(stream: bool) -> None:
    broken = FakeEngine(lambda context, sampling: EngineError("broken"))
    answering = Answering(broken, calls=ONCE)
    with pytest.raises(RunFailed, match="broken"):
        await answered(answering, request("@chain-of-thought", stream=stream))


async def test_what_is_wrong_is_told_before_anything_is_asked() -> None:
    engine = FakeEngine()
    answering = Answering(engine, aliases=["house"])
    wrong: list[tuple[type[Exception], Callable[[], Any]]] = [
        (UnknownModel, lambda: request("gpt-7")),
        (InvalidRequest, lambda: request("fake@best")),
        (InvalidRequest, lambda: request("house@beam:width=1000")),
        (InvalidRequest, lambda: request("", forkjoin={"set": {"method.samples": 2}})),
        (InvalidRequest, lambda: request("@beam", choices=2)),
    ]
    for kind, asked in wrong:
        with pytest.raises(kind):
            await answered(answering, asked())
    assert engine.calls == []
    assert (await answered(answering, request("house"))).text() == "ok"
    assert answering.models()[:3] == ["fake", "house", "fake@chain-of-thought"]


async def test_requests_run_side_by_side_within_one_limit() -> None:
    engine = FakeEngine(reply, latency=0.001)
    answering = Answering(engine)
    async with anyio.create_task_group() as group:
        group.start_soon(answering.adapt)
        async with anyio.create_task_group() as requests:
            for name in ("", "@self-consistency", "@llm-compiler", "@parathinker") * 4:
                requests.start_soon(answered, answering, request(name, stream=True))
        group.cancel_scope.cancel()
    assert (await engine.statistics()).running == 0


def test_what_is_wrong_with_a_server_is_told_before_it_serves() -> None:
    with pytest.raises(UsageError, match="there is no planner 'best'"):
        Answering(FakeEngine(), planner="best")


@pytest.mark.parametrize("name", ["chain-of-thought", "self-consistency", "beam", "multiverse"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_run_without_room_is_refused_by_the_reason(name: str, stream: bool) -> None:
    asked = request(f"@{name}", stream=stream)
    with pytest.raises(RunRefused, match=r"node 1 has no room: .*of at least") as caught:
        await answered(Answering(FakeEngine(SAID), budget=Budget(tokens=10)), asked)
    assert caught.value.what == "budget"
    # The question has room, and what the method makes of it has none.
    with pytest.raises(RunRefused, match=r"node 1 has no room: .*window is 30") as caught:
        await answered(Answering(FakeEngine(SAID, window=30)), asked)
    assert caught.value.what == "window"


async def test_a_run_that_the_engine_failed_too_is_not_the_clients_fault() -> None:
    def said(context: Context, sampling: Sampling) -> str | EngineError:
        return ContextTooLong(9, 8) if "sample-0" in context.path else EngineError("broken")

    with pytest.raises(RunFailed) as caught:
        await answered(Answering(FakeEngine(said), calls=ONCE), request("@self-consistency:n=2"))
    assert not isinstance(caught.value, RunRefused)


async def test_a_conversation_that_cannot_fit_is_refused_before_a_run_begins(
    tmp_path: Path,
) -> None:
    engine = FakeEngine(SAID, window=300)
    answering = Answering(engine, runs=tmp_path)
    turns = (("user", "x" * 200), ("assistant", "y" * 100), ("user", "2 + 2?"))
    with pytest.raises(ContextTooLong):
        await answered(answering, request("@chain-of-thought", turns=turns))
    assert list(tmp_path.iterdir()) == []
    assert engine.calls == []
    await answered(answering, request("@chain-of-thought", turns=turns[1:]))
