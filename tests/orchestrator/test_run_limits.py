"""What ends a run early, and what runs share."""

from __future__ import annotations

import anyio
import pytest

from engines import CallLimiter, Context, EngineOverloaded, FakeEngine, Sampling
from orchestrator import Agent, Budget, Event, NodeFinished, RunFailed, tool
from planners import Call, Reference, Template, Think
from reasoning import SelfConsistency
from tests.backends import run_virtually
from tests.orchestrator.plans import given

pytestmark = pytest.mark.anyio


@tool
async def broken() -> None:
    """Raises."""
    raise ValueError("no luck")


async def test_the_first_failure_ends_a_run_that_is_told_so() -> None:
    events: list[Event] = []
    nodes = (Call(id="1", tool="broken"), Think(id="2"), Think(id="3", after="2"))
    agent = Agent(FakeEngine("ok"), tools=[broken], planner=given(*nodes), on_failure="fail")
    with pytest.raises(RunFailed, match="ended by its first failure: node '1' failed"):
        await agent.run("Why?", subscribers=[events.append])
    ended = [event.node for event in events if isinstance(event, NodeFinished)]
    assert sorted(ended) == ["1", "2", "3"]


async def test_the_error_s_text_can_stand_for_the_result() -> None:
    nodes = (
        Call(id="1", tool="broken"),
        Think(id="2", prompt=Template(parts=("see ", Reference(node="1")))),
    )
    engine = FakeEngine("ok")
    agent = Agent(engine, tools=[broken], planner=given(*nodes), on_failure="substitute")
    await agent.run("Why?")
    assert (
        "see (no result: broken raised ValueError: no luck)"
        in engine.calls[0].context.turns[0].text
    )


def test_runs_that_share_an_agent_take_turns() -> None:
    starts: list[str] = []

    async def script(context: Context, sampling: Sampling) -> str:
        starts.append(context.turns[0].text[0])
        await anyio.sleep(1)
        return "ok"

    async def main() -> None:
        method = SelfConsistency(samples=6)
        limiter = CallLimiter(1)
        agent = Agent(FakeEngine(script), planner="single", method=method, limiter=limiter)
        async with anyio.create_task_group() as group:
            group.start_soon(agent.run, "A?")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(agent.run, "B?")

    run_virtually(main)
    assert "".join(starts[1:9]) in ("ABABABAB", "BABABABA")


def test_a_run_does_not_wait_beyond_its_time() -> None:
    async def main() -> float:
        engine = FakeEngine(lambda context, sampling: EngineOverloaded("busy", retry_after=250))
        agent = Agent(engine, planner="single", budget=Budget(seconds=10))
        with pytest.raises(RunFailed, match="seconds"):
            await agent.run("Why?")
        return anyio.current_time()

    assert run_virtually(main) <= 11
