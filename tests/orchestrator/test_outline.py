"""Whole runs of the Outline planner: threads start while others are still split, and a run that died goes on."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from engines import Context, FakeEngine, RetryPolicy, Sampling
from orchestrator import Agent, CallPolicy, RunResult
from planners.outline import Outline
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend

WHOLE = json.dumps(
    {
        "goal": "Know.",
        "outlines": [
            {"task": "A", "split": False},
            {"task": "B", "split": True},
            {"task": "C", "split": False},
        ],
    }
)
PART = json.dumps({"goal": "Both.", "outlines": [{"task": "D"}, {"task": "E"}]})
PLANNED = {"outline": WHOLE, "outline/part-2": PART}
ONCE = CallPolicy(retry=RetryPolicy(attempts=1))


def said(context: Context, sampling: Sampling) -> str:
    path = context.path
    return PLANNED.get(path, f"so \\boxed{{{path.removeprefix('root/')}}}")


def agent_on(engine: FakeEngine, runs: Path | None = None) -> Agent:
    planner = Outline().with_seed(5)
    return Agent(engine, planner=planner, sampling=Sampling(seed=5), runs=runs, calls=ONCE)


@pytest.mark.anyio
async def test_threads_are_merged_in_the_order_of_the_outline() -> None:
    engine = FakeEngine(said)
    result = await agent_on(engine).run("Why?")
    assert str(result) == "4/synthesise"
    merging = {
        call.context.path: call.context.turns[0].text
        for call in engine.calls
        if call.context.path.endswith("synthesise")
    }
    found = "1. so \\boxed{2.1}\n2. so \\boxed{2.2}\n"
    assert found in merging["root/2/synthesise"]
    assert "Conclude part 2 only: B" in merging["root/2/synthesise"]
    assert "Conclude part" not in merging["root/4/synthesise"]
    found = "1. so \\boxed{1}\n2. so \\boxed{2/synthesise}\n3. so \\boxed{3}\n"
    assert found in merging["root/4/synthesise"]
    assert result.remark == ""


@pytest.mark.anyio
async def test_threads_share_the_question_and_the_outline() -> None:
    engine = FakeEngine(said, block_size=16)
    await agent_on(engine).run("Why?")
    contexts = {call.context.path: call.context for call in engine.calls}
    shared = contexts["root/2.1"].turns[0].text.partition("Work on part")[0]
    assert contexts["root/2.2"].turns[0].text.startswith(shared)
    assert "Goal: Know." in shared
    assert "2.2 E" in shared


def test_a_thread_starts_while_another_part_is_still_split() -> None:
    starts: dict[str, float] = {}

    def clocked(context: Context, sampling: Sampling) -> str:
        starts[context.path] = anyio.current_time()
        return said(context, sampling)

    async def main() -> RunResult:
        return await agent_on(FakeEngine(clocked, latency=1)).run("Why?")

    assert run_virtually(main).seconds == 5
    assert starts == {
        "outline": 0,
        **dict.fromkeys(("outline/part-2", "root/1", "root/3"), 1),
        **dict.fromkeys(("root/2.1", "root/2.2"), 2),
        "root/2/synthesise": 3,
        "root/4/synthesise": 4,
    }


@pytest.mark.anyio
async def test_the_critical_path_goes_through_the_part_that_was_split() -> None:
    result = await agent_on(FakeEngine(said)).run("Why?")
    thread = len("so \\boxed{2.1}") + 2 * len("so \\boxed{2/synthesise}")
    assert result.critical_path == len(WHOLE) + len(PART) + thread


@pytest.mark.anyio
@pytest.mark.parametrize("last", [1, 2, 4, 6, 8])
async def test_a_run_that_died_goes_on_and_asks_for_nothing_twice(
    tmp_path: Path, last: int
) -> None:
    scope = anyio.CancelScope()
    paths: list[str] = []

    async def stopping(context: Context, sampling: Sampling) -> str:
        paths.append(context.path)
        if len(paths) == last:
            scope.cancel()
            await anyio.sleep_forever()
        return said(context, sampling)

    with scope:
        await agent_on(FakeEngine(stopping), tmp_path).run("Why?")
    (run,) = tmp_path.iterdir()
    engine = FakeEngine(said)
    result = await agent_on(engine, tmp_path).resume(run)
    assert str(result) == "4/synthesise"
    again = [call.context.path for call in engine.calls]
    # Of what had begun, only what had not ended.
    assert len(again) == len(set(again)) <= 8
    assert {*paths, *again} == {*PLANNED, "root/1", "root/3", "root/2.1", "root/2.2"} | {
        "root/2/synthesise",
        "root/4/synthesise",
    }
    assert len(again) <= 8 - last + 3
