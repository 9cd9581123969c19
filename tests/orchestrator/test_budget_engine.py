from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from engines import (
    STREAMED,
    WHOLE,
    BudgetExhausted,
    Choice,
    Chunk,
    Completion,
    Context,
    ContextTooLong,
    Delivery,
    EngineError,
    FakeEngine,
    Notice,
    Sampling,
    converse,
)
from orchestrator.budget import Budget, BudgetEngine, Prices, Purse
from tests.backends import run_virtually
from tests.engines.contract import CHECKS, Check
from tests.engines.wrapping import TEAM

pytestmark = pytest.mark.anyio

# `<|user|>`, `Why?` and `<|assistant|>`.
PROMPT = 8 + 4 + 13


@dataclass
class Desk:
    """A fake engine behind a budget, with all that is told of it."""

    inner: FakeEngine
    purse: Purse
    notices: list[Notice] = field(default_factory=list)

    def engine(self, node: str = "1") -> BudgetEngine:
        return BudgetEngine(
            self.inner, self.purse, self.purse.work.child(node), self.notices.append
        )

    async def ask(self, tokens: int = 100, node: str = "1") -> Completion:
        prompt = await question(self.inner)
        return await self.engine(node).generate(prompt, Sampling(max_tokens=tokens))

    async def assert_agrees_with_the_engine(self) -> None:
        statistics = await self.inner.statistics()
        assert statistics.running == 0
        usage = self.purse.run.spent.usage
        assert usage.prompt_tokens == statistics.prompt_tokens
        assert usage.generated_tokens == statistics.generated_tokens
        assert self.purse.run.reserved.tokens == 0


def desk(inner: FakeEngine | str = "Because.", **limits: Any) -> Desk:
    started = anyio.current_time()
    budget = Budget(**{"final_share": 0, **limits})
    engine = FakeEngine(inner) if isinstance(inner, str) else inner
    return Desk(engine, Purse(budget, clock=lambda: anyio.current_time() - started))


async def question(engine: FakeEngine) -> Context:
    return await converse(engine, [("user", "Why?"), ("assistant", "")], name="root")


LIMITS: list[dict[str, Any]] = [
    {},
    {"tokens": 10**9},
    {"seconds": 10**6},
    {"money": 10**6, "prices": Prices(prompt=1, generated=1)},
]


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: "-".join(limits) or "none")
@pytest.mark.parametrize("text_only", [False, True])
async def test_within_its_limits_it_is_the_engine_that_it_wraps(
    limits: dict[str, Any], text_only: bool
) -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        if sampling.constraint is None:
            return "The sea is large, deep and full of salt. " * 50
        if isinstance(sampling.constraint, Choice):
            return sampling.constraint.options[0]
        return {"regex": "123-ab", "json": '{"n": 4}', "grammar": "abd"}[sampling.constraint.kind]

    def wanted(check: Check) -> bool:
        wrong = check.needs_model or (text_only and check.needs_ids)
        return not wrong and check.name != "choices_are_kept"

    for check in filter(wanted, CHECKS):
        inner = FakeEngine(
            reply, seconds_per_token=0.0001, chunk_tokens=4, window=2048, text_only=text_only
        )
        await check.run(desk(inner, **limits).engine())


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: "-".join(limits) or "none")
async def test_what_a_call_has_cost_is_booked_for_its_node(limits: dict[str, Any]) -> None:
    here = desk(**limits)
    for node in ("1", "2", "1"):
        assert (await here.ask(node=node)).text == "Because."
    spent = here.purse.work.of("1")
    assert spent.usage.prompt_tokens == 2 * PROMPT
    assert spent.usage.generated_tokens == 2 * len("Because.")
    assert spent.calls == 2
    assert not spent.usage.lower_bound
    assert here.purse.run.spent.calls == 3
    assert here.notices == []
    await here.assert_agrees_with_the_engine()


async def test_a_call_is_clamped_to_what_is_left_and_says_so() -> None:
    here = desk(tokens=PROMPT + 3)
    completion = await here.ask()
    assert completion.text == "Bec"
    assert (completion.finish_reason, completion.limited_by) == ("length", "tokens")
    assert here.inner.calls[0].sampling.max_tokens == 3
    (notice,) = here.notices
    assert (notice.kind, notice.path) == ("clamped", "root")
    assert notice.reason == "3 of 100 tokens: the budget has no more tokens"
    with pytest.raises(BudgetExhausted, match="28 of 28 tokens used, and 'root' needs more"):
        await here.ask()
    await here.assert_agrees_with_the_engine()


async def test_what_ends_by_itself_is_not_called_limited() -> None:
    assert (await desk(tokens=PROMPT + 50).ask()).limited_by is None
    own = await desk(tokens=1000).ask(tokens=3)
    assert (own.finish_reason, own.limited_by) == ("length", None)


async def test_money_clamps_and_is_what_the_prices_say() -> None:
    prices = Prices(prompt=1, generated=10)
    here = desk(money=(PROMPT + 35) / 10**6, prices=prices)
    completion = await here.ask()
    assert (completion.text, completion.limited_by) == ("Bec", "money")
    assert here.purse.run.spent.money == prices.of(completion.usage)
    assert float(here.purse.run.spent.money) == (PROMPT + 30) / 10**6


async def test_cached_tokens_are_paid_as_such() -> None:
    prices = Prices(prompt=1, cached=0.1, generated=0)
    here = desk(money=1, prices=prices)
    first, second = [(await here.ask()).usage for _ in range(2)]
    assert second.cached_tokens
    assert here.purse.run.spent.money == prices.of(first) + prices.of(second)


async def test_a_reservation_ends_at_the_window() -> None:
    here = desk(FakeEngine("x" * 100, window=PROMPT + 10), tokens=PROMPT + 10)
    completion = await here.ask(tokens=1000)
    assert completion.usage.generated_tokens == 10
    assert completion.limited_by is None
    assert here.notices == []


async def test_a_context_beyond_the_window_costs_a_call_and_no_token() -> None:
    here = desk(FakeEngine(window=PROMPT), tokens=1000)
    with pytest.raises(ContextTooLong):
        await here.ask()
    assert here.purse.run.spent.tokens == 0
    assert here.purse.run.reserved.tokens == 0


async def test_a_call_that_fails_gives_back_what_was_reserved() -> None:
    here = desk(FakeEngine([EngineError("down"), "Because."]), tokens=PROMPT + 100)
    with pytest.raises(EngineError, match="down"):
        await here.ask()
    assert not here.purse.run.spent.usage.lower_bound
    assert (await here.ask()).text == "Because."
    assert here.purse.run.spent.calls == 2
    await here.assert_agrees_with_the_engine()


async def test_a_bug_passes_through() -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        raise ZeroDivisionError

    for limits in LIMITS:
        here = desk(FakeEngine(reply), **limits)
        prompt = await question(here.inner)
        for delivery in (WHOLE, STREAMED):
            with pytest.raises(ZeroDivisionError):
                await here.engine().generate(prompt, Sampling(), delivery)


async def test_prompts_without_ids_are_estimated_and_committed_as_they_were() -> None:
    here = desk(FakeEngine("Because.", text_only=True), tokens=1000)
    completion = await here.ask()
    assert here.purse.run.spent.usage == completion.usage
    short = desk(FakeEngine("Because.", text_only=True), tokens=4)
    # "Why?" is taken for 2 tokens.
    assert (await short.ask()).usage.generated_tokens == 2


async def test_a_stream_that_is_left_early_commits_what_was_received() -> None:
    for limits in LIMITS:
        here = desk(FakeEngine("x" * 100, chunk_tokens=10, seconds_per_token=1e-4), **limits)
        prompt = await question(here.inner)
        async with here.engine().stream(prompt, Sampling()) as chunks:
            async for chunk in chunks:
                if chunk.usage.generated_tokens == 30:
                    break
        usage = here.purse.run.spent.usage
        assert usage.lower_bound
        assert 30 <= usage.generated_tokens < 100
        assert here.inner.aborted == 1
        await here.assert_agrees_with_the_engine()


async def test_a_stream_that_nobody_reads_is_committed() -> None:
    here = desk(tokens=1000)
    async with here.engine().stream(await question(here.inner), Sampling()):
        pass
    await here.assert_agrees_with_the_engine()


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE])
async def test_a_reader_may_call_again_in_the_midst_of_a_stream(delivery: Delivery) -> None:
    here = desk(tokens=2 * (PROMPT + 8))
    prompt = await question(here.inner)
    async with here.engine("outer").stream(prompt, Sampling(max_tokens=40), delivery) as chunks:
        # What the outer call holds comes back although its reader waits here.
        assert (await here.ask(node="inner")).text == "Because."
        assert "".join([chunk.text async for chunk in chunks]) == "Because."
    await here.assert_agrees_with_the_engine()


def slow() -> FakeEngine:
    return FakeEngine("x" * 100, seconds_per_token=1, chunk_tokens=10)


@pytest.mark.parametrize("whole", [True, False])
def test_when_time_is_over_a_call_ends_with_what_was_received(whole: bool) -> None:
    async def run() -> None:
        here = desk(slow(), seconds=35)
        prompt = await question(here.inner)
        completion = await here.engine().generate(prompt, Sampling(), Delivery(whole=whole))
        assert anyio.current_time() == 35
        assert completion.text == "x" * 30
        assert (completion.finish_reason, completion.limited_by) == ("length", "seconds")
        assert completion.usage.lower_bound
        assert here.purse.run.spent.usage == completion.usage
        assert here.inner.aborted == 1
        (notice,) = here.notices
        assert (notice.kind, notice.path) == ("cut", "root")
        assert notice.reason == "after 30 tokens: the budget has no more seconds"
        with pytest.raises(BudgetExhausted, match="35 of 35 seconds used, and 'root' needs more"):
            await here.ask()
        assert len(here.inner.calls) == 1
        await here.assert_agrees_with_the_engine()

    run_virtually(run)


@pytest.mark.parametrize("whole", [True, False])
def test_a_call_that_has_said_nothing_when_time_is_over_fails(whole: bool) -> None:
    async def run() -> None:
        async def think(context: Context, sampling: Sampling) -> str:
            await anyio.sleep(100)
            return "late"

        here = desk(FakeEngine(think), seconds=35)
        prompt = await question(here.inner)
        with pytest.raises(BudgetExhausted, match="35 of 35 seconds used"):
            await here.engine().generate(prompt, Sampling(), Delivery(whole=whole))
        assert anyio.current_time() == 35
        assert here.inner.aborted == 1
        assert here.notices == []

    run_virtually(run)


def test_a_reader_is_not_cut_in_what_it_does_itself() -> None:
    async def run() -> None:
        here = desk(slow(), seconds=35)
        read: list[Chunk] = []
        async with here.engine().stream(await question(here.inner), Sampling()) as chunks:
            async for chunk in chunks:
                await anyio.sleep(30)
                read.append(chunk)
        assert [chunk.text for chunk in read] == ["x" * 10] * 3 + [""]
        assert read[-1].limited_by == "seconds"
        assert anyio.current_time() == 10 + 4 * 30

    run_virtually(run)


def test_the_last_reduction_has_what_was_kept_back() -> None:
    async def run() -> None:
        here = desk(slow(), seconds=100, tokens=3000, final_share=0.3)
        prompt = await question(here.inner)
        cut = await here.engine().generate(prompt, Sampling())
        assert anyio.current_time() == pytest.approx(70)
        assert cut.limited_by == "seconds"
        last = BudgetEngine(here.inner, here.purse, here.purse.run.child("last"))
        assert (await last.generate(prompt, Sampling(max_tokens=20))).text == "x" * 20
        assert here.purse.run.of("last").usage.generated_tokens == 20

    run_virtually(run)


async def test_a_cancelled_call_gives_back_what_was_reserved() -> None:
    for delivery in (WHOLE, STREAMED):
        inner = FakeEngine("Because.", latency=1e6)
        here = desk(inner, tokens=1000)
        prompt = await question(inner)
        async with anyio.create_task_group() as group:
            group.start_soon(here.engine().generate, prompt, Sampling(), delivery)
            await anyio.wait_all_tasks_blocked()
            assert here.purse.run.reserved.tokens == PROMPT + 512
            group.cancel_scope.cancel()
        assert here.purse.run.spent.usage.lower_bound
        await here.assert_agrees_with_the_engine()


def working(tokens: int) -> Sampling:
    return Sampling(max_tokens=tokens, collaboration=TEAM)


async def collaborated(here: Desk, tokens: int = 200) -> Completion:
    prompt = await question(here.inner)
    return await here.engine().generate(prompt, working(tokens))


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: "-".join(limits) or "none")
async def test_a_collaboration_passes_as_it_is_and_what_is_put_in_is_booked(
    limits: dict[str, Any],
) -> None:
    plain = FakeEngine("So it is 4.\n\n")
    expected = await plain.generate(await question(plain), working(200))
    here = desk(FakeEngine("So it is 4.\n\n"), **limits)
    completion = await collaborated(here)
    assert completion.passages == expected.passages != ()
    assert (completion.text, completion.usage) == (expected.text, expected.usage)
    assert completion.usage.prompt_tokens > PROMPT
    await here.assert_agrees_with_the_engine()


async def test_a_budget_clamps_all_workers_together() -> None:
    here = desk(FakeEngine("So it is 4.\n\n"), tokens=PROMPT + 60)
    completion = await collaborated(here)
    assert here.inner.calls[0].sampling.max_tokens == 60
    assert completion.usage.generated_tokens <= 60
    assert completion.limited_by == "tokens"
    # The closing has its room all the same.
    assert completion.passages[-1].worker is None
    await here.assert_agrees_with_the_engine()


def test_time_that_ends_in_the_midst_of_a_collaboration_leaves_the_steps_that_ended() -> None:
    async def main() -> None:
        inner = FakeEngine("So it is 4.\n\n", seconds_per_token=1, chunk_tokens=1)
        here = desk(inner, seconds=30)
        completion = await collaborated(here)
        assert anyio.current_time() == 30
        assert completion.limited_by == "seconds"
        assert completion.text.count("So it is 4.\n\n") == len(completion.passages) == 4
        assert sum(passage.tokens for passage in completion.passages) == len(completion.token_ids)
        told = sum(passage.generated for passage in completion.passages)
        assert told < completion.usage.generated_tokens
        await here.assert_agrees_with_the_engine()

    run_virtually(main)
