"""Whole runs on real vLLM."""

import json
from pathlib import Path

import anyio
import pytest

from engines import Engine, Sampling, run_in_portal
from orchestrator import Agent, Event, NodeFinished, NodeStarted, TokensGenerated, tool
from planners import GivenPlanner, LLMCompiler, Plan, Think
from tests.engines.idling import idle

pytestmark = pytest.mark.real_vllm

QUESTION = "A crate holds 12 rows of 7 apples and a sack holds 38 more. How many are there in all?"
# Longer than the model takes to write the next step.
SLOW = 4
AIME = Path(__file__).parents[3] / "shared" / "data" / "aime_2025.jsonl"


@tool
async def add(a: float, b: float) -> float:
    """Adds two numbers."""
    await anyio.sleep(SLOW)
    return a + b


@tool
async def multiply(a: float, b: float) -> float:
    """Multiplies two numbers."""
    await anyio.sleep(SLOW)
    return a * b


def test_the_model_writes_a_plan_that_runs_side_by_side(vllm_engine: Engine) -> None:
    events: list[Event] = []
    # One seed: every further one costs the CPU up to a minute, and the grammar's tests hold for all.
    planner = LLMCompiler(min_steps=2, max_steps=6).with_seed(3)
    sampling = Sampling(max_tokens=24, seed=3)
    agent = Agent(vllm_engine, tools=[add, multiply], planner=planner, sampling=sampling)
    before = run_in_portal(lambda: idle(vllm_engine))

    result = agent.run_sync(QUESTION, subscribers=[events.append])

    assert len(result.plan.nodes) >= 3
    assert {outcome.status for outcome in result.outcomes.values()} <= {"ok", "truncated"}
    assert most_at_once(events) >= 2
    assert result.critical_path <= result.usage.generated_tokens
    after = run_in_portal(lambda: idle(vllm_engine))
    assert not after.running
    assert not after.waiting
    assert result.usage.prompt_tokens == after.prompt_tokens - before.prompt_tokens
    assert result.usage.generated_tokens == after.generated_tokens - before.generated_tokens
    assert not result.usage.lower_bound


def test_sibling_threads_take_the_question_from_the_cache(vllm_engine: Engine) -> None:
    question = "Which of these numbers is a prime? " + ", ".join(map(str, range(400, 480)))
    plan = Plan(nodes=tuple(Think(id=str(i), prompt=f"Look at case {i}.") for i in range(8)))
    sampling = Sampling(max_tokens=4, seed=1)
    agent = Agent(vllm_engine, planner=GivenPlanner(given=plan), sampling=sampling)

    result = agent.run_sync(question)

    root = run_in_portal(lambda: vllm_engine.encode(question, role="user"))
    assert root.token_ids is not None
    shared = len(root.token_ids) // 32 * 32
    assert shared >= 256
    assert result.usage.cached_tokens is not None
    assert result.usage.cached_tokens >= 7 * shared


def test_a_cancelled_run_leaves_no_request(vllm_engine: Engine) -> None:
    sampling = Sampling(max_tokens=1000, ignore_eos=True)
    agent = Agent(vllm_engine, planner="single", method="self-consistency", sampling=sampling)

    async def cancel_at_the_first_token() -> None:
        async with agent.stream("Count to a thousand.") as events:
            async for event in events:
                if isinstance(event, TokensGenerated):
                    break

    run_in_portal(cancel_at_the_first_token)
    statistics = run_in_portal(lambda: idle(vllm_engine))
    assert (statistics.running, statistics.waiting) == (0, 0)


def test_an_engine_on_another_loop_is_a_clear_error(vllm_engine: Engine) -> None:
    async def use() -> None:
        await vllm_engine.encode("hello", role="user")

    with pytest.raises(RuntimeError, match="belongs to another event loop"):
        anyio.run(use)


@pytest.mark.skipif(not AIME.exists(), reason="../shared is absent")
def test_self_consistency_answers_a_problem_of_aime(vllm_engine: Engine, tmp_path: Path) -> None:
    problem = json.loads(AIME.read_text().splitlines()[0])
    agent = Agent(
        vllm_engine,
        planner="single",
        method="self-consistency",
        sampling=Sampling(max_tokens=32, seed=5),
        runs=tmp_path,
    )
    result = agent.run_sync(problem["problem"])
    assert len(result.answer.candidates) == 8
    assert result.usage.cached_tokens is not None
    assert result.usage.cached_tokens > 0
    assert result.folder is not None
    rows = [json.loads(line) for line in (result.folder / "events.jsonl").open()]
    assert rows[-1]["kind"] == "run-finished"
    assert sum(row["kind"] == "generation-finished" for row in rows) == 8


def most_at_once(events: list[Event]) -> int:
    running = most = 0
    for event in events:
        running += isinstance(event, NodeStarted) - isinstance(event, NodeFinished)
        most = max(most, running)
    return most
