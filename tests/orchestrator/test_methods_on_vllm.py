"""Every method on real vLLM: five problems of GSM8K, and the eight rules of docs/architecture.md on what it did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import (
    Context,
    Engine,
    EngineStatistics,
    RetryPolicy,
    Sampling,
    configured,
    converse,
    join,
    run_in_portal,
)
from orchestrator import Agent, CallPolicy, Event, RunFailed
from reasoning import Answer, ChainOfThought, First, Hogwild, ParaThinker, SelfConsistency
from reasoning.catalogue import METHODS, choices, method_named
from tests.engines.idling import idle
from tests.reasoning.method_rules import essence, goes_by_time

from .method_evidence import (
    Evidence,
    assert_accounts_agree,
    assert_branches_are_in_order,
    assert_ids_are_stitched,
    assert_nothing_is_left,
    assert_paths_fit,
    assert_requests_agree,
    end_of,
    finished,
    shortfalls,
)
from .recorded_calls import RecordedEngine, ReplayedEngine

GSM8K = Path(__file__).parents[3] / "shared" / "data" / "gsm8k_test.jsonl"
SAMPLING = Sampling(max_tokens=20, seed=3)
# Tokens in a block of the embedded model's cache.
BLOCK = 32
SEQUENTIAL = ("chain-of-thought", "think-budget")
# As few threads as show something; forks take more tokens than a thought.
FORKS = {"max_path_tokens": "150", "max_paths": "2"}
STEPS = {"width": "3", "max_depth": "2", "stepper.step_tokens": "12"}
# These need what stock vLLM cannot do.
ELSEWHERE = {name for name in METHODS if isinstance(method_named(name, SAMPLING), Hogwild)}
# These are the search of those that run here, by another rule, which is pure.
OTHER_RULES = {"beam", "dvts", "particles", "mcts"}
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "self-consistency": {"samples": "4"},
    "best-of-n": {"samples": "3"},
    "parathinker": {"threads": "3"},
    "multiverse": FORKS,
    "threadweaver": FORKS,
    "deepconf": {
        "samples": "5", "warm_up": "2", "window": "8", "consensus": "null", "keep_percent": "50",
    },
    "think-budget": {"max_thinking": "12", "answer_tokens": "8"},
    "rebase": STEPS,
    "ets": STEPS,
    "blackboard": {"workers": "2", "refresh": "8"},
}  # fmt: skip

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(not GSM8K.exists(), reason="../shared is absent"),
]


def questions() -> list[str]:
    return [json.loads(line)["problem"] for line in GSM8K.read_text().splitlines()[:5]]


def agent_on(engine: Engine, name: str, runs: Path | None = None) -> Agent:
    options, named = OPTIONS.get(name, {}), choices(SAMPLING)
    method = configured(method_named(name, SAMPLING), options, named=named)
    once = CallPolicy(retry=RetryPolicy(attempts=1))
    return Agent(engine, planner="single", method=method, calls=once, runs=runs)


async def solved(engine: Engine, name: str, question: str) -> Evidence:
    """A run to its end."""
    recorded, events = RecordedEngine(engine), list[Event]()
    result = await agent_on(recorded, name).run(question, subscribers=[events.append])
    return Evidence(result=result, events=events, calls=recorded.calls)


@dataclass
class Five:
    """What a method did with five problems side by side, and the engine's counts before and after."""

    name: str
    runs: Sequence[Evidence]
    before: EngineStatistics
    after: EngineStatistics


@pytest.fixture(scope="module", params=sorted(METHODS.keys() - OTHER_RULES - ELSEWHERE))
def five(request: pytest.FixtureRequest, vllm_engine: Engine) -> Five:
    async def main() -> Five:
        before = await idle(vllm_engine)
        outcomes = await join([partial(solved, vllm_engine, request.param, q) for q in questions()])
        assert [outcome.reason for outcome in outcomes] == [""] * 5
        runs = [outcome.value for outcome in outcomes if outcome.value is not None]
        return Five(request.param, runs, before, await idle(vllm_engine))

    return run_in_portal(main)


def test_a_method_keeps_the_rules(vllm_engine: Engine, five: Five) -> None:
    sequential = five.name in SEQUENTIAL

    async def main() -> None:
        for run in five.runs:
            await assert_ids_are_stitched(run.calls, vllm_engine)  # rules 1 and 4
            assert_branches_are_in_order(run.answer)  # rule 4
            assert_paths_fit(run, sequential=sequential)  # rule 5
            assert_nothing_is_left(run.events, five.before, five.after)  # rule 6

    run_in_portal(main)
    assert_accounts_agree(five.runs, five.before, five.after)  # rule 2
    assert sequential != any(run.answer.branches for run in five.runs)


def test_branches_take_what_they_share_from_the_cache(five: Five) -> None:
    calls = [call for run in five.runs for call in run.calls]
    assert not list(shortfalls(sorted(calls, key=lambda call: call.asked), BLOCK))


def test_requests_and_answer_do_not_depend_on_who_ends_first(
    vllm_engine: Engine, five: Five
) -> None:
    if goes_by_time(method_named(five.name, SAMPLING)):
        pytest.skip("what its workers read depends on who was first")

    async def main() -> None:
        for question, first in zip(questions(), five.runs, strict=True):
            replayed = ReplayedEngine(vllm_engine, first.calls)
            with anyio.fail_after(300):
                second = await solved(replayed, five.name, question)
            # Rules 3 and 4: the same replies in another order.
            assert sorted(replayed.asked) == sorted(call.request for call in first.calls)
            assert essence(second.answer) == essence(first.answer)
            assert second.answer.usage == first.answer.usage

    run_in_portal(main)


def test_a_killed_run_goes_on_where_it_was(vllm_engine: Engine, five: Five, tmp_path: Path) -> None:
    whole, question = five.runs[0], questions()[0]

    async def main() -> None:
        killed, told = RecordedEngine(vllm_engine), list[Event]()
        scope = anyio.CancelScope()

        def kill_half_way(event: Event) -> None:
            told.append(event)
            if len(finished(told)) >= max(1, len(whole.calls) // 2):
                scope.cancel()

        with scope:
            await agent_on(killed, five.name, tmp_path).run(question, subscribers=[kill_half_way])
        assert_nothing_is_left(told, five.before, await idle(vllm_engine))  # rule 6
        (folder,) = tmp_path.iterdir()
        again, heard = RecordedEngine(vllm_engine), list[Event]()
        agent = agent_on(again, five.name, tmp_path)
        result = await agent.resume(folder, subscribers=[heard.append])
        assert_nothing_is_left(heard, five.before, await idle(vllm_engine))
        # Rule 8: no finished call is made again; each is told as replayed.
        assert finished(told)
        assert finished(told).isdisjoint(call.path for call in again.calls)
        assert finished(told) <= finished(heard, replayed=True)
        assert_requests_agree(whole.calls, killed.calls)  # rule 3
        assert_requests_agree(whole.calls, [*killed.calls, *again.calls])
        asked = len(again.calls)
        last = await agent.resume(folder)
        assert len(again.calls) == asked
        assert last.answer.text == result.answer.text

    run_in_portal(main)


def test_a_lost_call_hangs_no_method(vllm_engine: Engine, five: Five) -> None:
    async def main() -> None:
        before = await idle(vllm_engine)
        # Its second thread; of a method that has one thread only, that.
        failing = 1 if five.name in SEQUENTIAL else 2
        engine, events = RecordedEngine(vllm_engine, failing), list[Event]()
        with anyio.fail_after(300):  # rule 7
            try:
                await agent_on(engine, five.name).run(questions()[2], subscribers=[events.append])
            except RunFailed:
                assert five.name in SEQUENTIAL
            else:
                assert five.name not in SEQUENTIAL
                assert "lost" in end_of(events).remark
        after = await idle(vllm_engine)
        assert_nothing_is_left(events, before, after)  # rule 6
        usage = end_of(events).usage  # rule 2
        assert usage.generated_tokens <= after.generated_tokens - before.generated_tokens
        assert usage.prompt_tokens == after.prompt_tokens - before.prompt_tokens

    run_in_portal(main)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_vllm_cannot_do_is_refused_before_it_is_asked(vllm_engine: Engine, name: str) -> None:
    async def main() -> None:
        recorded = RecordedEngine(vllm_engine)
        with pytest.raises(RunFailed, match="take the method blackboard"):
            await agent_on(recorded, name).run(questions()[0])
        assert recorded.calls == []

    run_in_portal(main)


class Uneven:
    """A thread that says little in the first fork, and would go on for long in the others."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        tokens = 8 if context.path.endswith("0") else 1500
        sampling = Sampling(max_tokens=tokens, seed=1, ignore_eos=True)
        return await ChainOfThought(sampling=sampling).solve(context, engine)


def test_the_first_to_finish_ends_the_others_within_a_step(
    vllm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.vllm_statistics import StepCounts

    # How many the core decodes, step by step: tokens of what was aborted meanwhile, it counts nowhere.
    running: list[int] = []
    usage: list[float] = []
    record = StepCounts.record

    def noted(counts: StepCounts, scheduler: Any, core: int = 0) -> None:
        running.append(scheduler.num_running_reqs)
        usage.append(scheduler.kv_cache_usage)
        record(counts, scheduler, core)

    monkeypatch.setattr(StepCounts, "record", noted)

    async def race() -> int:
        method = ParaThinker(threads=4, method=Uneven(), wait="first", reducer=First())
        question = await converse(vllm_engine, [("user", questions()[0])], name="first")
        before = await idle(vllm_engine)
        running.clear()
        usage.clear()
        answer = await method.solve(question, vllm_engine)
        after = await idle(vllm_engine)
        statuses = [branch.status for branch in answer.branches]
        assert statuses == ["truncated", "cancelled", "cancelled", "cancelled"]
        assert (after.running, after.waiting) == (0, 0)
        assert max(usage) > before.kv_usage == after.kv_usage
        assert answer.usage.lower_bound
        assert answer.usage.generated_tokens <= after.generated_tokens - before.generated_tokens
        # The step in which the first one ended tells of three, as does each step for nothing after it.
        return running[::-1].index(4) - running[::-1].index(3) - 1

    async def main() -> None:
        # A machine that is busy with other things may be late some times.
        late = [await race()]
        while late[-1] > 1:
            assert len(late) < 10, late
            late.append(await race())

    run_in_portal(main)


def test_one_failing_call_does_not_hang_a_vote(vllm_engine: Engine) -> None:
    async def main() -> None:
        method = SelfConsistency(samples=4, method=TooLongInOne())
        question = await converse(vllm_engine, [("user", questions()[1])], name="failing")
        answer = await method.solve(question, vllm_engine)
        statuses = [branch.status for branch in answer.branches]
        assert statuses == ["truncated", "failed", "truncated", "truncated"]
        assert "1 of 4 samples were lost" in answer.remark

    run_in_portal(main)


class TooLongInOne:
    async def solve(self, context: Context, engine: Engine) -> Answer:
        if context.path.endswith("1"):
            context = await converse(engine, [("user", " more" * 3000)], after=context)
        return await ChainOfThought(sampling=Sampling(max_tokens=8, seed=1)).solve(context, engine)


def test_more_seeded_prompts_than_one_step_takes_leave_the_engine_alive(
    vllm_engine: Engine,
) -> None:
    async def main() -> None:
        # vLLM's steps on a CPU take 4096 tokens; a share of a prompt would be the end of its core.
        prompts = [
            await converse(vllm_engine, [("user", f"{i} " * 700)], name=str(i)) for i in (3, 5, 7)
        ]
        assert sum(len(prompt.token_ids) for prompt in prompts) > 4096
        once = Sampling(max_tokens=1, seed=1)
        outcomes = await join([partial(vllm_engine.generate, prompt, once) for prompt in prompts])
        assert [outcome.reason for outcome in outcomes] == [""] * 3

    run_in_portal(main)
