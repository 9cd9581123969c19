from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import (
    Context,
    Deadline,
    Delivery,
    Engine,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    KOfN,
    Outcome,
    Sampling,
    converse,
    join,
)
from engines.wrappers.hedge import HedgeEngine
from engines.wrappers.retry import RetryEngine, RetryPolicy
from orchestrator.budget import Budget, BudgetEngine, Limits, Prices, Purse
from reasoning import ChainOfThought, SelfConsistency
from reasoning.errors import NoCandidates
from tests.backends import run_virtually

PRICES = Prices(prompt=0.3, cached=0.05, generated=1.1)
ANSWER = "So it is \\boxed{4}."


def voting(samples: int = 8, tokens: int = 100) -> SelfConsistency:
    method = ChainOfThought(sampling=Sampling(max_tokens=tokens, seed=1), instruction="")
    return SelfConsistency(samples=samples, method=method)


async def question(engine: Engine) -> Context:
    return await converse(engine, [("user", "2 + 2?")], name="root")


def paid(inner: Engine, purse: Purse, node: str = "1") -> Engine:
    return BudgetEngine(inner, purse, purse.work.child(node))


def purse_of(**limits: Any) -> Purse:
    return Purse(Budget(**{"final_share": 0, **limits}), clock=anyio.current_time)


async def prompt_tokens(engine: FakeEngine) -> int:
    opened = await converse(engine, [("assistant", "")], after=await question(engine))
    return len(opened.token_ids)


def test_a_budget_for_three_of_eight_samples_gives_a_vote_of_three() -> None:
    async def run() -> None:
        inner = FakeEngine(ANSWER, seconds_per_token=0.01)
        purse = purse_of(tokens=3 * (await prompt_tokens(inner) + len(ANSWER)))
        engine = paid(inner, purse)
        answer = await voting(tokens=len(ANSWER)).solve(await question(inner), engine)
        assert answer.final == "4"
        assert len(answer.candidates) == 3
        assert purse.run.limits == Limits(tokens=purse.run.spent.tokens)
        assert purse.statistics().waiting == 0

    run_virtually(run)


def test_samples_that_wait_go_on_with_what_their_siblings_did_not_use() -> None:
    async def run() -> None:
        inner = FakeEngine(ANSWER, seconds_per_token=0.01)
        prompt = await prompt_tokens(inner)
        # Room for two at a time as they ask, and for all eight as they are.
        purse = purse_of(tokens=2 * (prompt + 100) + 6 * (prompt + len(ANSWER)))
        engine = paid(inner, purse)
        answer = await voting(tokens=100).solve(await question(inner), engine)
        assert len(answer.candidates) == 8
        assert not answer.truncated

    run_virtually(run)


def test_a_budget_for_nothing_is_said_and_nothing_waits() -> None:
    async def run() -> None:
        inner = FakeEngine(ANSWER)
        engine = paid(inner, purse_of(tokens=await prompt_tokens(inner)))
        with pytest.raises(NoCandidates, match="all 8 samples failed, the first: budget exhausted"):
            await voting().solve(await question(inner), engine)
        assert inner.calls == []

    run_virtually(run)


def test_a_node_may_have_a_smaller_budget_than_its_run() -> None:
    async def run() -> None:
        inner = FakeEngine(ANSWER, seconds_per_token=0.01)
        each = await prompt_tokens(inner) + len(ANSWER)
        purse = purse_of(tokens=6 * each)
        purse.work.child("small", Limits(tokens=2 * each))
        votes: dict[str, int] = {}

        async def vote(node: str) -> None:
            engine = paid(inner, purse, node)
            answer = await voting(tokens=len(ANSWER)).solve(await question(inner), engine)
            votes[node] = len(answer.candidates)

        async with anyio.create_task_group() as group:
            group.start_soon(vote, "small")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(vote, "large")
        assert votes == {"small": 2, "large": 4}

    run_virtually(run)


def test_time_that_ends_in_the_midst_of_a_vote_leaves_the_votes_there_are() -> None:
    async def run() -> None:
        texts = itertools.chain([ANSWER] * 3, itertools.repeat("x" * 1000))
        inner = FakeEngine(lambda c, s: next(texts), seconds_per_token=1, chunk_tokens=4)
        engine = paid(inner, purse_of(seconds=60))
        answer = await voting(tokens=1000).solve(await question(inner), engine)
        assert anyio.current_time() == 60
        assert answer.final == "4"
        assert len(answer.candidates) == 8

    run_virtually(run)


def test_retries_and_hedges_are_paid_each() -> None:
    async def run() -> None:
        inner = FakeEngine([EngineUnavailable("down"), EngineUnavailable("down"), ANSWER])
        purse = purse_of(calls=3)
        engine = RetryEngine(HedgeEngine(paid(inner, purse)))
        assert (await engine.generate(await question(inner), Sampling())).text == ANSWER
        assert purse.run.spent.calls == 3
        with pytest.raises(ForkjoinError, match="3 of 3 calls used"):
            await engine.generate(await question(inner), Sampling())
        assert len(inner.calls) == 3

    run_virtually(run)


def test_the_same_order_gives_the_same_clamps() -> None:
    async def run() -> list[tuple[int, str | None]]:
        inner = FakeEngine("x" * 100, seconds_per_token=0.01)
        engine = paid(inner, purse_of(tokens=500))
        context = await question(inner)
        found = []

        async def call(number: int) -> None:
            await anyio.sleep(number)
            done = await engine.generate(context.fork(str(number)), Sampling(max_tokens=70))
            found.append((done.usage.generated_tokens, done.limited_by))

        await join([partial(call, number) for number in range(8)])
        return found

    first = run_virtually(run)
    assert [limited for _, limited in first].count("tokens") == 1
    assert run_virtually(run) == first


@dataclass(frozen=True)
class Story:
    """A run: its budget, what the engine says, and when it is cut."""

    tokens: int | None
    calls: int | None
    seconds: float | None
    money: float | None
    replies: list[int]
    failures: list[bool]
    nodes: list[tuple[int, bool, float | None]]

    @property
    def budget(self) -> Budget:
        return Budget(
            tokens=self.tokens,
            calls=self.calls,
            seconds=self.seconds,
            money=self.money,
            prices=PRICES,
        )


def stories(*, cuts: bool) -> st.SearchStrategy[Story]:
    maximum = st.none() | st.integers(1, 60)
    return st.builds(
        Story,
        tokens=st.none() | st.integers(1, 2000),
        calls=maximum,
        seconds=maximum if cuts else st.none(),
        money=st.none() | st.integers(1, 2000).map(lambda millionths: millionths / 10**6),
        replies=st.lists(st.integers(0, 120), min_size=1),
        failures=st.lists(st.booleans(), min_size=1),
        nodes=st.lists(
            st.tuples(
                st.integers(1, 6),
                st.booleans(),
                st.none() | st.integers(1, 40) if cuts else st.none(),
            ),
            min_size=1,
            max_size=5,
        ),
    )


async def told(story: Story) -> tuple[FakeEngine, Purse, list[Outcome[list[Outcome[str]]]]]:
    replies: Iterator[int] = itertools.cycle(story.replies)
    failures = itertools.cycle(story.failures)

    def reply(context: Context, sampling: Sampling) -> str | ForkjoinError:
        return EngineUnavailable("down") if next(failures) else "x" * next(replies)

    inner = FakeEngine(reply, latency=0.5, seconds_per_token=0.1, chunk_tokens=7)
    purse = Purse(story.budget, clock=anyio.current_time)
    context = await question(inner)

    async def node(
        number: int, branches: int, whole: bool, deadline: float | None
    ) -> list[Outcome[str]]:
        engine = RetryEngine(
            paid(inner, purse, str(number)), RetryPolicy(attempts=3, first_delay=0)
        )

        async def branch(index: int) -> str:
            fork = context.fork(f"{number}-{index}")
            first = await engine.generate(fork, Sampling(max_tokens=80), Delivery(whole=whole))
            await engine.generate(first.context, Sampling(max_tokens=30))
            return first.text

        policy = KOfN(branches) if deadline is None else Deadline(deadline, KOfN(2))
        return await join([partial(branch, index) for index in range(branches)], policy)

    with anyio.fail_after(10_000):
        outcomes = await join([partial(node, n, *shape) for n, shape in enumerate(story.nodes)])
    return inner, purse, outcomes


def assert_within(story: Story, purse: Purse, inner: FakeEngine) -> None:
    spent, limits = purse.run.spent, story.budget.limits
    assert purse.statistics().waiting == 0
    assert purse.run.reserved.tokens == purse.work.reserved.tokens == 0
    assert limits.tokens is None or spent.tokens <= limits.tokens
    assert limits.calls is None or len(inner.calls) <= limits.calls
    assert limits.money is None or spent.money <= limits.money
    assert spent.calls == len(inner.calls)


@settings(max_examples=60, deadline=None)
@given(story=stories(cuts=False))
def test_a_run_whose_calls_all_end_spends_what_the_engine_counts_and_no_more(story: Story) -> None:
    async def run() -> None:
        inner, purse, _ = await told(story)
        assert_within(story, purse, inner)
        usage, counted = purse.run.spent.usage, await inner.statistics()
        assert usage.prompt_tokens == counted.prompt_tokens
        assert usage.generated_tokens == counted.generated_tokens
        assert purse.run.spent.money == PRICES.of(usage)
        if story.tokens is not None:
            assert counted.prompt_tokens + counted.generated_tokens <= story.tokens
        nodes = [purse.work.of(str(number)) for number in range(len(story.nodes))]
        assert sum(node.tokens for node in nodes) == purse.run.spent.tokens
        assert sum(node.calls for node in nodes) == purse.run.spent.calls

    run_virtually(run)


@settings(max_examples=60, deadline=None)
@given(story=stories(cuts=True))
def test_a_run_that_is_cut_anywhere_ends_in_time_and_within_its_budget(story: Story) -> None:
    async def run() -> None:
        inner, purse, outcomes = await told(story)
        assert_within(story, purse, inner)
        assert len(outcomes) == len(story.nodes)
        if story.seconds is not None:
            assert anyio.current_time() <= story.seconds + 1e-6

    run_virtually(run)
