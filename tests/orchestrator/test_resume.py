"""Runs that end early go on where they were: nothing that was finished is done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    CallTimedOut,
    Context,
    EngineError,
    FakeEngine,
    RetryPolicy,
    Sampling,
    UsageError,
)
from orchestrator import (
    Agent,
    Budget,
    CallPolicy,
    Event,
    GenerationFinished,
    JournalError,
    NodeFinished,
    RunFailed,
    RunInUse,
    RunResult,
    RunUnreadable,
    Tool,
    tool,
)
from orchestrator.runs.run_folder import RunFolder
from orchestrator.runs.run_lock import RunLock
from orchestrator.runs.run_record import read_configuration
from planners import Call, LLMCompiler, Think
from tests.orchestrator.plans import given

pytestmark = pytest.mark.anyio

PLAN = '1. multiply(12, 7)\n2. think("a")\n3. think("is ${1} right?")\njoin()'
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


@tool
async def multiply(a: float, b: float) -> float:
    """Multiplies two numbers. Not in a thread, for which a virtual clock would not wait."""
    return a * b


def said(context: Context, sampling: Sampling) -> str:
    """Something that depends on the whole context and on the seed; the plan where it is asked for."""
    if context.path == "plan":
        return PLAN[len(context.turns[-1].text) :]
    digest = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).hexdigest()
    return f"{digest} so \\boxed{{{int(digest[:4], 16) % 3}}}"


class Stopping:
    """An engine whose run is cancelled in the middle of its call number `last`."""

    def __init__(self, last: int | None = None, chunk_tokens: int = 7) -> None:
        self.last = last
        self.scope = anyio.CancelScope()
        self.engine = FakeEngine(self._script, chunk_tokens=chunk_tokens)

    async def _script(self, context: Context, sampling: Sampling) -> str:
        if len(self.engine.calls) == self.last:
            self.scope.cancel()
            await anyio.sleep_forever()
        return said(context, sampling)

    @property
    def paths(self) -> list[str]:
        return [call.context.path for call in self.engine.calls]


def agent_on(engine: FakeEngine, runs: Path, **options: Any) -> Agent:
    options = {
        "tools": [multiply],
        "planner": LLMCompiler(sampling=Sampling(max_tokens=200, seed=5), max_replans=0),
        "method": "self-consistency",
        "sampling": Sampling(seed=5),
        "runs": runs,
        "calls": ONCE,
        **options,
    }
    return Agent(engine, **options)


def only(runs: Path) -> Path:
    (folder,) = runs.iterdir()
    return folder


def essence(result: RunResult) -> object:
    nodes = {name: (o.status, o.value and o.value.data) for name, o in result.outcomes.items()}
    return result.answer.text, nodes


@pytest.mark.parametrize("last", [1, 2, 9, 12, 18])
async def test_a_run_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path, last: int
) -> None:
    undisturbed = await agent_on(FakeEngine(said), tmp_path / "other").run("Why?")
    first = Stopping(last)
    with first.scope:
        await agent_on(first.engine, tmp_path / "runs").run("Why?")
    assert first.scope.cancelled_caught
    events: list[Event] = []
    second = Stopping()
    again = agent_on(second.engine, tmp_path / "runs")
    result = await again.resume(only(tmp_path / "runs"), subscribers=[events.append])
    assert essence(result) == essence(undisturbed)
    # What was cut was spent all the same.
    assert result.usage.generated_tokens >= undisturbed.usage.generated_tokens
    calls = [event for event in events if isinstance(event, GenerationFinished)]
    assert {call.path for call in calls if not call.replayed} == set(second.paths)
    # 1 plan, 2 threads of 8 samples, 1 reduction.
    assert len(calls) == 18
    assert len(second.paths) >= 18 - last + 1
    assert second.engine.aborted == 0


async def test_a_run_that_came_to_its_end_asks_for_nothing_again(tmp_path: Path) -> None:
    result = await agent_on(FakeEngine(said), tmp_path).run("Why?")
    engine = FakeEngine(said)
    again = await agent_on(engine, tmp_path).resume(only(tmp_path))
    assert engine.calls == []
    assert essence(again) == essence(result)


async def test_a_planner_goes_on_from_its_last_complete_line(tmp_path: Path) -> None:
    first = FakeEngine(said, chunk_tokens=7, seconds_per_token=0.001)
    events: list[Event] = []
    with anyio.CancelScope() as scope:

        def stop(event: Event) -> None:
            events.append(event)
            if event.kind == "node-planned" and event.node.id == "2":
                scope.cancel()

        await agent_on(first, tmp_path).run("Why?", subscribers=[stop])
    second = FakeEngine(said)
    result = await agent_on(second, tmp_path).resume(only(tmp_path))
    (planning,) = [call for call in second.calls if call.context.path == "plan"]
    assert planning.context.turns[-1].text == PLAN[: PLAN.index("3.")]
    assert [node.id for node in result.plan.nodes] == ["1", "2", "3", "4"]


async def test_what_a_budget_cut_is_done_again_with_a_larger_one(tmp_path: Path) -> None:
    def make(engine: FakeEngine, tokens: int | None) -> Agent:
        plan = given(Think(id="1"))
        return agent_on(
            engine,
            tmp_path,
            planner=plan,
            method="chain-of-thought",
            budget=Budget(tokens=tokens, final_share=0),
        )

    cut = await make(FakeEngine(said), 120).run("Why?")
    assert cut.outcomes["1"].status == "truncated"
    assert cut.remark == "the budget's tokens cut it"
    assert cut.usage.prompt_tokens + cut.usage.generated_tokens == 120
    same = FakeEngine(said)
    assert essence(await make(same, 120).resume(only(tmp_path))) == essence(cut)
    assert same.calls == []
    more = await make(FakeEngine(said), None).resume(only(tmp_path))
    assert more.outcomes["1"].status == "ok"
    # What was spent before counts.
    assert more.usage.generated_tokens > len(more.answer.text)


async def test_limits_that_were_raised_stay_raised(tmp_path: Path) -> None:
    def make(engine: FakeEngine, tokens: int) -> Agent:
        budget = Budget(tokens=tokens, final_share=0)
        plan = given(Think(id="1"))
        return agent_on(engine, tmp_path, planner=plan, method="chain-of-thought", budget=budget)

    await make(FakeEngine(said), 120).run("Why?")
    raised = await make(FakeEngine(said), 320).resume(only(tmp_path))
    engine = FakeEngine(said)
    assert essence(await make(engine, 320).resume(only(tmp_path))) == essence(raised)
    assert engine.calls == []


async def test_a_plan_that_a_budget_cut_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    first = FakeEngine(said)
    await agent_on(first, tmp_path / "whole").run("Why?")
    (whole,) = [call for call in first.calls if call.context.path == "plan"]
    tokens = len(whole.context.token_ids) + PLAN.index("3.") + 2
    with pytest.raises(RunFailed):
        await agent_on(
            FakeEngine(said), tmp_path / "cut", budget=Budget(tokens=tokens, final_share=0)
        ).run("Why?")
    again = FakeEngine(said)
    result = await agent_on(again, tmp_path / "cut").resume(only(tmp_path / "cut"))
    (planning,) = [call for call in again.calls if call.context.path == "plan"]
    assert planning.context.turns[-1].text == PLAN[: PLAN.index("3.")]
    assert [node.id for node in result.plan.nodes] == ["1", "2", "3", "4"]
    # Also later, when nothing is raised any more.
    third = FakeEngine(said)
    later = await agent_on(third, tmp_path / "cut").resume(only(tmp_path / "cut"))
    assert essence(later) == essence(result)
    assert third.calls == []


async def test_a_run_without_its_journal_is_not_begun_anew(tmp_path: Path) -> None:
    await agent_on(FakeEngine(said), tmp_path).run("Why?")
    (only(tmp_path) / "journal.sqlite").unlink()
    with pytest.raises(JournalError, match="is not there"):
        await agent_on(FakeEngine(said), tmp_path).resume(only(tmp_path))


async def test_who_works_on_a_run_is_told_before_anything_of_it_is_judged(tmp_path: Path) -> None:
    await agent_on(FakeEngine(said), tmp_path).run("Why?")
    other = agent_on(FakeEngine(said), tmp_path, planner="single")
    with RunFolder.reopen(only(tmp_path)), pytest.raises(RunInUse):
        await other.resume(only(tmp_path), repeat=["x"])


async def test_what_another_process_wrote_at_its_end_is_not_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(RunLock):
        """Taken as soon as another process gives it back, which writes until then."""

        def __init__(self, folder: Path) -> None:
            configuration = folder / "config.yaml"
            written = configuration.read_text()
            configuration.write_text(written.replace("by: the first", "by: the other"))
            super().__init__(folder)

    await agent_on(FakeEngine(said), tmp_path).run("Why?", notes={"by": "the first"})
    monkeypatch.setattr("orchestrator.runs.run_folder.RunLock", Late)
    await agent_on(FakeEngine(said), tmp_path).resume(only(tmp_path))
    assert read_configuration(only(tmp_path))["by"] == "the other"


async def test_a_run_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RunUnreadable, match="there is no run folder"):
        await agent_on(FakeEngine(said), tmp_path).resume(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="was begun with another model: None"):
        await agent_on(FakeEngine(said), tmp_path).resume(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


async def test_a_node_that_is_none_cannot_be_repeated(tmp_path: Path) -> None:
    await agent_on(FakeEngine(said), tmp_path).run("Why?")
    with pytest.raises(UsageError, match="has no node 'x': its nodes are 1, 2, 3, 4"):
        await agent_on(FakeEngine(said), tmp_path).resume(only(tmp_path), repeat=["x"])


async def test_samples_that_failed_are_asked_for_again_once_the_run_has_ended(
    tmp_path: Path,
) -> None:
    def losing(context: Context, sampling: Sampling) -> str | EngineError:
        if context.path.endswith("sample-3"):
            return EngineError("lost")
        return said(context, sampling)

    plan = given(Think(id="1"))
    result = await agent_on(FakeEngine(losing), tmp_path, planner=plan).run("Why?")
    assert result.remark == "1 of 8 samples were lost, the first: lost"
    engine = FakeEngine(said)
    whole = await agent_on(engine, tmp_path, planner=plan).resume(only(tmp_path))
    assert [call.context.path for call in engine.calls] == ["root/1/sample-3"]
    assert whole.remark == ""


async def test_a_call_that_timed_out_stays_so_in_a_run_that_died_but_not_in_one_that_ended(
    tmp_path: Path,
) -> None:
    stop = anyio.CancelScope()

    async def late(context: Context, sampling: Sampling) -> str | EngineError:
        if context.path.endswith("sample-0"):
            return CallTimedOut("no token came for 5 s")
        await anyio.sleep_forever()
        return ""

    def stop_after_the_timeout(event: Event) -> None:
        if isinstance(event, GenerationFinished) and event.finish_reason == "failed":
            stop.cancel()

    plan = given(Think(id="1"))
    with stop:
        agent = agent_on(FakeEngine(late), tmp_path, planner=plan)
        await agent.run("Why?", subscribers=[stop_after_the_timeout])
    second = FakeEngine(said)
    result = await agent_on(second, tmp_path, planner=plan).resume(only(tmp_path))
    assert "root/1/sample-0" not in [call.context.path for call in second.calls]
    assert result.remark.startswith("1 of 8 samples were lost")
    third = FakeEngine(said)
    result = await agent_on(third, tmp_path, planner=plan).resume(only(tmp_path))
    assert [call.context.path for call in third.calls] == ["root/1/sample-0"]
    assert result.remark == ""


def hanging(calls: list[str], hangs: anyio.Event, **options: Any) -> Tool:
    """A tool that hangs the first time and answers the second."""

    @tool(name="send", **options)
    async def send(text: str) -> str:
        calls.append(text)
        if len(calls) == 1:
            hangs.set()
            await anyio.sleep_forever()
        return "sent"

    return send


async def stopped_in_a_tool(
    tmp_path: Path, calls: list[str], **options: Any
) -> Callable[[], Agent]:
    """A run that is stopped while its tool hangs; makes agents to go on with it."""
    hangs = anyio.Event()
    send = hanging(calls, hangs, **options)

    def make() -> Agent:
        plan = given(Call(id="1", tool="send", arguments={"text": "hello"}))
        return agent_on(FakeEngine(said), tmp_path, tools=[send], planner=plan)

    async with anyio.create_task_group() as group:
        group.start_soon(make().run, "Why?")
        await hangs.wait()
        group.cancel_scope.cancel()
    return make


async def test_a_tool_that_may_not_be_repeated_is_reported_and_repeated_on_demand_only(
    tmp_path: Path,
) -> None:
    calls: list[str] = []
    make = await stopped_in_a_tool(tmp_path, calls, repeatable=False)
    events: list[Event] = []
    with pytest.raises(RunFailed, match="send"):
        await make().resume(only(tmp_path), subscribers=[events.append])
    (finished,) = [event for event in events if isinstance(event, NodeFinished)]
    assert "--repeat 1" in finished.reason
    assert calls == ["hello"]
    result = await make().resume(only(tmp_path), repeat={"1"})
    assert (result.answer.value, calls) == ("sent", ["hello", "hello"])


async def test_a_tool_that_may_be_repeated_is(tmp_path: Path) -> None:
    calls: list[str] = []
    make = await stopped_in_a_tool(tmp_path, calls)
    assert str(await make().resume(only(tmp_path))) == "sent"
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"method": "chain-of-thought"}, "method"),
        ({"sampling": Sampling(seed=6)}, "method"),
        ({"tools": []}, "tools"),
        ({"planner": "single"}, "planner"),
        ({"on_failure": "fail"}, "on failure"),
    ],
)
async def test_a_run_is_resumed_with_the_settings_that_it_was_begun_with(
    tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    await agent_on(FakeEngine(said), tmp_path).run("Why?")
    with pytest.raises(UsageError, match=f"begun with another {named}"):
        await agent_on(FakeEngine(said), tmp_path, **options).resume(only(tmp_path))


async def test_budget_width_and_calls_may_change(tmp_path: Path) -> None:
    await agent_on(FakeEngine(said), tmp_path).run("Why?")
    other = agent_on(
        FakeEngine(said), tmp_path, budget=Budget(calls=100), calls=CallPolicy(), concurrency=2
    )
    await other.resume(only(tmp_path))


async def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        await agent_on(FakeEngine(said), tmp_path).resume(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []
