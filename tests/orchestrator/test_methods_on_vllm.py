"""Every method on real vLLM: five problems of GSM8K, and the rules of docs/architecture.md on what it did."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineStatistics,
    EngineWrapper,
    Outcome,
    Sampling,
    Usage,
    converse,
    join,
    run_in_portal,
)
from orchestrator import Agent, Event, GenerationFinished, RunFinished, RunResult
from reasoning import Answer, ChainOfThought, First, ParaThinker, SelfConsistency
from reasoning.catalogue import METHODS

GSM8K = Path(__file__).parents[3] / "shared" / "data" / "gsm8k_test.jsonl"
SAMPLING = Sampling(max_tokens=40, seed=3)
# Tokens in a block of the embedded model's cache.
BLOCK = 32

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(not GSM8K.exists(), reason="../shared is absent"),
]


class Asked(EngineWrapper):
    """Remembers the contexts that it is asked to go on from; ends the run in call number `last`."""

    def __init__(self, inner: Engine, last: int | None = None) -> None:
        super().__init__(inner)
        self.contexts: list[Context] = []
        self.scope = anyio.CancelScope()
        self._last = last

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        self.contexts.append(context)
        if len(self.contexts) == self._last:
            self.scope.cancel()
        return self.inner.stream(context, sampling, delivery)

    async def aclose(self) -> None:
        """The engine inside is the session's."""


def questions() -> list[str]:
    return [json.loads(line)["problem"] for line in GSM8K.read_text().splitlines()[:5]]


async def idle(engine: Engine) -> EngineStatistics:
    """The engine's counts once nothing runs; it tells them with its next step."""
    statistics = await engine.statistics()
    with anyio.move_on_after(10):
        while statistics.running or statistics.waiting:
            await anyio.sleep(0.1)
            statistics = await engine.statistics()
    return statistics


def agent_on(engine: Engine, method: str, folder: Path | None = None) -> Agent:
    return Agent(engine, planner="single", method=method, sampling=SAMPLING, runs=folder)


async def solve_all(
    engine: Engine, method: str
) -> tuple[list[Outcome[RunResult]], list[list[Event]]]:
    """Five runs side by side."""
    events: list[list[Event]] = [[] for _ in questions()]
    agent = agent_on(engine, method)
    runs = [
        partial(agent.run, question, subscribers=[log.append])
        for question, log in zip(questions(), events, strict=True)
    ]
    return await join(runs), events


@pytest.mark.parametrize("name", METHODS)
def test_a_method_keeps_the_rules(vllm_engine: Engine, name: str) -> None:
    async def main() -> None:
        engine = Asked(vllm_engine)
        before = await idle(engine)
        outcomes, events = await solve_all(engine, name)
        after = await idle(engine)
        assert [outcome.reason for outcome in outcomes] == [""] * 5
        results = [outcome.value for outcome in outcomes if outcome.value is not None]
        assert (after.running, after.waiting) == (0, 0)
        assert after.kv_usage == before.kv_usage
        for result in results:
            assert result.critical_path <= result.usage.generated_tokens
            assert_the_account_is_that_of_the_run(result)
        assert_usage_is_the_engines([result.usage for result in results], before, after)
        for log in events:
            assert_told_by_events(log)
        assert_ids_are_stitched(engine.contexts)
        await assert_prefixes_come_from_the_cache(vllm_engine, events, engine.contexts)

    run_in_portal(main)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_is_killed_goes_on(vllm_engine: Engine, name: str, tmp_path: Path) -> None:
    question = questions()[0]

    async def main() -> None:
        whole = Asked(vllm_engine)
        await agent_on(whole, name).run(question)
        stopping = Asked(vllm_engine, last=max(1, len(whole.contexts) - 1))
        with stopping.scope:
            await agent_on(stopping, name, tmp_path).run(question)
        (folder,) = tmp_path.iterdir()
        finished = {path for path, replayed in ends(folder) if not replayed}
        again = Asked(vllm_engine)
        result = await agent_on(again, name, tmp_path).resume(folder)
        assert result.answer.text
        assert not finished & {context.path for context in again.contexts}
        statistics = await idle(vllm_engine)
        assert (statistics.running, statistics.waiting) == (0, 0)

    run_in_portal(main)


class Uneven:
    """A thread that says little in the first fork, and would go on for long in the others."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        tokens = 8 if context.path.endswith("0") else 1500
        sampling = Sampling(max_tokens=tokens, seed=1, ignore_eos=True)
        return await ChainOfThought(sampling=sampling).solve(context, engine)


def test_the_first_to_finish_ends_the_others_within_a_step(vllm_engine: Engine) -> None:
    async def main() -> None:
        method = ParaThinker(threads=4, method=Uneven(), wait="first", reducer=First())
        question = await converse(vllm_engine, [("user", questions()[0])], name="first")
        before = await idle(vllm_engine)
        answer = await method.solve(question, vllm_engine)
        after = await idle(vllm_engine)
        assert [branch.status for branch in answer.branches].count("cancelled") == 3
        generated = after.generated_tokens - before.generated_tokens
        # The step in which the first one ended, and those that began before its end had come over to this process.
        assert generated <= 4 * (8 + 8)
        assert answer.usage.generated_tokens <= generated
        assert answer.usage.lower_bound
        assert after.kv_usage == before.kv_usage

    run_in_portal(main)


def test_one_failing_call_does_not_hang_a_vote(vllm_engine: Engine) -> None:
    async def main() -> None:
        method = SelfConsistency(samples=4, method=TooLongInOne())
        question = await converse(vllm_engine, [("user", questions()[1])], name="failing")
        answer = await method.solve(question, vllm_engine)
        assert [branch.status == "failed" for branch in answer.branches] == [
            False,
            True,
            False,
            False,
        ]
        assert "1 of 4 samples were lost" in answer.remark

    run_in_portal(main)


class TooLongInOne:
    async def solve(self, context: Context, engine: Engine) -> Answer:
        if context.path.endswith("1"):
            context = await converse(engine, [("user", " more" * 3000)], after=context)
        return await ChainOfThought(sampling=Sampling(max_tokens=8, seed=1)).solve(context, engine)


def ends(folder: Path) -> list[tuple[str, bool]]:
    """The calls that came to their end, by their paths."""
    rows = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [
        (row["path"], row["replayed"])
        for row in rows
        if row["kind"] == "generation-finished" and row["finish_reason"] in ("stop", "length")
    ]


def assert_usage_is_the_engines(
    usages: Sequence[Usage], before: EngineStatistics, after: EngineStatistics
) -> None:
    total = sum(usages, Usage())
    generated = after.generated_tokens - before.generated_tokens
    prompts = after.prompt_tokens - before.prompt_tokens
    if total.lower_bound:
        assert total.generated_tokens <= generated
        assert total.prompt_tokens <= prompts
    else:
        assert (total.generated_tokens, total.prompt_tokens) == (generated, prompts)


def assert_the_account_is_that_of_the_run(result: RunResult) -> None:
    """The answer's own account, made at the engine by the method, against that of the orchestrator."""
    thought = result.outcomes["1"].value
    assert thought is not None
    assert thought.answer.usage == result.usage_by_node["1"]


def assert_told_by_events(events: Sequence[Event]) -> None:
    calls = [event for event in events if isinstance(event, GenerationFinished)]
    paths = [call.path for call in calls]
    assert len(set(paths)) == len(paths)
    assert all(call.finish_reason != "failed" for call in calls)
    (end,) = [event for event in events if isinstance(event, RunFinished)]
    assert sum((call.usage for call in calls), Usage()) == end.usage


def assert_ids_are_stitched(contexts: Sequence[Context]) -> None:
    """What goes on from a context has its ids in front, and one path is one sequence."""
    for context in contexts:
        ids = context.token_ids
        for node in context.lineage:
            before = node.token_ids
            assert ids[: len(before)] == before


async def assert_prefixes_come_from_the_cache(
    engine: Engine, events: Sequence[Sequence[Event]], contexts: Sequence[Context]
) -> None:
    """Of the calls that go on from a question, all but the first to come take its whole blocks from the cache."""
    for question, log in zip(questions(), events, strict=True):
        root = (await engine.encode(question, role="user")).token_ids or ()
        floor = (len(root) - 1) // BLOCK * BLOCK
        forks = {c.path for c in contexts if c.token_ids[: len(root)] == root}
        cached = [
            event.usage.cached_tokens or 0
            for event in log
            if isinstance(event, GenerationFinished)
            and event.finish_reason != "aborted"
            and event.path in forks
        ]
        assert floor >= BLOCK
        assert sum(tokens < floor for tokens in cached) <= 1
