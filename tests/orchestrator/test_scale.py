"""Whole runs of SCALE: the steps run as they need each other, and a run that died goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, FakeEngine, RetryPolicy, Sampling
from orchestrator import Agent, Budget, CallPolicy, RunResult
from planners.scaling.scale import SCALE
from tests import backends
from tests.backends import run_virtually
from tests.planners.outlines import BAD, DIAMOND, Reply, outline, scale_script, version

anyio_backend = backends.virtual_backend

ONCE = CallPolicy(retry=RetryPolicy(attempts=1))
TWO = SCALE(outlines=2, sampling=Sampling(seed=5, max_tokens=400))


def agent_on(engine: FakeEngine, planner: SCALE = TWO, **options: Any) -> Agent:
    options = {"sampling": Sampling(seed=5), "calls": ONCE, **options}
    return Agent(engine, planner=planner, **options)


def step_of(context: Context) -> str:
    """The step that a thread works on; empty for the planner's own calls."""
    parts = context.path.split("/")
    return parts[1] if parts[0] == "root" else ""


SCORES: dict[str, Reply] = {"scale/score/step-2": "2", "scale/score/step-3": "2"}


@pytest.mark.anyio
async def test_results_reach_the_steps_that_need_them_and_the_last_one_answers() -> None:
    script = scale_script(SCORES)

    def said(context: Context, sampling: Sampling) -> Reply:
        step = step_of(context)
        return f"so \\boxed{{r{step}}}" if step else script(context, sampling)

    engine = FakeEngine(said)
    result = await agent_on(engine).run("How many?")
    assert str(result) == "r4"
    last = next(call.context for call in engine.calls if step_of(call.context) == "4")
    assert "Step 2: Find 2.\nResult: r2\n\nStep 3: Find 3.\nResult: r3\n\n" in last.turns[0].text
    assert "Result: r1" not in last.turns[0].text
    # Eight samples of each hard step, one of each easy one, and tokens by step, so by system.
    steps = [step_of(call.context) for call in engine.calls]
    assert {step: steps.count(step) for step in "1234"} == {"1": 8, "2": 1, "3": 1, "4": 8}
    usage = {name: one.generated_tokens for name, one in result.usage_by_node.items()}
    said_once = len("so \\boxed{r1}")
    assert (
        usage.items()
        >= {
            "1": 8 * said_once,
            "2": said_once,
            "3": said_once,
            "4": 8 * said_once,
            "(planner)": 2 * len(DIAMOND) + 3,
        }.items()
    )
    assert result.critical_path == len(DIAMOND) + 1 + 3 * said_once
    assert sum(usage.values()) == result.usage.generated_tokens


def test_steps_that_need_nothing_of_each_other_run_at_the_same_time() -> None:
    starts: dict[str, float] = {}
    script = scale_script({}, outline([], [], [1], [2, 3]))

    def said(context: Context, sampling: Sampling) -> Reply:
        starts.setdefault(step_of(context), anyio.current_time())
        return script(context, sampling)

    async def main() -> RunResult:
        return await agent_on(FakeEngine(said, latency=1), concurrency=64).run("How many?")

    result = run_virtually(main)
    # Outlines and scores take a second each; there is nothing to select.
    assert starts == {"": 0, "1": 2, "2": 2, "3": 3, "4": 4}
    assert result.seconds == 5


@pytest.mark.anyio
async def test_in_a_chain_the_cached_tokens_grow() -> None:
    script = scale_script({}, outline([], [], [], [], []))
    engine = FakeEngine(script, block_size=16)
    planner = SCALE(outlines=1, chain=True, hard_method=None)
    result = await agent_on(engine, planner, method="chain-of-thought").run("How many?")
    cached = [result.usage_by_node[str(step)].cached_tokens or 0 for step in range(1, 6)]
    prompts = [result.usage_by_node[str(step)].prompt_tokens for step in range(1, 6)]
    assert cached == sorted(set(cached))
    # All of the thread before, but for its last words, which say what to do.
    for before, now in zip(prompts[1:-1], cached[2:], strict=True):
        assert now >= before - len("Solve this step only.") - 120


@pytest.mark.anyio
async def test_without_an_outline_one_thread_answers_and_the_result_says_so() -> None:
    script = scale_script({}, BAD)
    result = await agent_on(FakeEngine(script)).run("How many?")
    assert [node.id for node in result.plan.nodes] == ["1"]
    assert str(result) == "1"
    assert result.remark.startswith("one thread answers, since no outline can be used: the model")
    assert result.critical_path == 3 * len(BAD) + len("so \\boxed{1}")


@pytest.mark.anyio
async def test_a_budget_makes_more_steps_easy() -> None:
    planner = SCALE(
        outlines=1, hard_calls=8, easy_tokens=20, least_hard_tokens=100, most_hard_tokens=100
    )
    for tokens, easy in ((None, 0), (100_000, 0), (8000, 3), (4000, 4)):
        agent = agent_on(FakeEngine(scale_script({})), planner, budget=Budget(tokens=tokens))
        result = await agent.run("How many?")
        methods = [node.method for node in result.plan.nodes if node.kind == "think"]
        assert methods.count("chain-of-thought") == easy
        assert str(result) == "4"


async def resumed(folder: Path, script: Any, last: int) -> tuple[RunResult, list[str], list[str]]:
    """A run that is cancelled in its call number `last`, and gone on with; what both processes had asked."""
    scope = anyio.CancelScope()

    async def stopping(context: Context, sampling: Sampling) -> Reply:
        if len(engine.calls) == last:
            scope.cancel()
            await anyio.sleep_forever()
        reply: Reply = script(context, sampling)
        return reply

    engine = FakeEngine(stopping)
    with scope:
        await agent_on(engine, runs=folder).run("How many?")
    (run,) = folder.iterdir()
    again = FakeEngine(script)
    result = await agent_on(again, runs=folder).resume(run)
    before, after = ([call.context.path for call in one.calls] for one in (engine, again))
    return result, before, after


@pytest.mark.anyio
@pytest.mark.parametrize("last", [3, 4, 5, 7, 9, 20])
async def test_a_run_that_died_goes_on_and_asks_for_nothing_twice(
    tmp_path: Path, last: int
) -> None:
    replies = {**SCORES, version(1): BAD, version(1, "/attempt-2"): outline([])}
    script = scale_script(replies | {"scale/select": "2"})
    undisturbed = FakeEngine(script)
    expected = await agent_on(undisturbed).run("How many?")
    result, before, after = await resumed(tmp_path, script, last)
    assert result.plan == expected.plan
    assert str(result) == str(expected)
    assert result.critical_path == expected.critical_path
    assert {*before, *after} == {call.context.path for call in undisturbed.calls}
    assert len(after) < len(undisturbed.calls)
