from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest

from engines import BudgetExhausted, Deadline, Usage, join
from orchestrator.budget import Account, Budget, Prices, Purse
from orchestrator.budget.waiting_line import Grant
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio


def purse_of(**limits: Any) -> Purse:
    started = anyio.current_time()
    return Purse(Budget(final_share=0, **limits), clock=lambda: anyio.current_time() - started)


async def use(purse: Purse, tokens: int, *, seconds: float = 0, actual: int | None = None) -> Grant:
    """A call that generates for some seconds."""
    grant = await purse.reserve(purse.work, f"a call of {tokens}", prompt=0, tokens=tokens)
    try:
        await anyio.sleep(seconds)
    finally:
        used = grant.tokens if actual is None else actual
        purse.commit(grant.reservation, Usage(generated_tokens=used))
    return grant


async def test_a_call_waits_until_another_gives_back_what_it_did_not_use() -> None:
    purse = purse_of(tokens=100)
    grants: list[Grant] = []

    async def wait() -> None:
        grants.append(await use(purse, 80))

    first = await purse.reserve(purse.work, "first", prompt=10, tokens=90)
    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert purse.statistics().waiting == 1
        purse.commit(first.reservation, Usage(prompt_tokens=10, generated_tokens=10))
    assert [grant.tokens for grant in grants] == [80]
    assert purse.statistics().waiting == 0
    assert purse.run.spent.tokens == 100


async def test_those_that_wait_for_what_never_comes_learn_it_and_end() -> None:
    purse = purse_of(tokens=100)
    outcomes = await join([partial(use, purse, 50, seconds=0.01) for _ in range(8)])
    assert sorted(outcome.status for outcome in outcomes) == ["failed"] * 6 + ["ok"] * 2
    assert {outcome.reason for outcome in outcomes} - {""} == {
        "budget exhausted: 100 of 100 tokens used, and 'a call of 50' needs more: "
        "give a larger budget, of at least 101 tokens"
    }


async def test_who_is_cancelled_while_waiting_leaves_the_line() -> None:
    purse = purse_of(tokens=100)
    first = await purse.reserve(purse.work, "first", prompt=0, tokens=100)
    async with anyio.create_task_group() as group:
        group.start_soon(use, purse, 100)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert purse.statistics().waiting == 0
    purse.commit(first.reservation, Usage())
    assert (await use(purse, 100)).tokens == 100


async def test_what_was_granted_to_a_call_that_is_cancelled_goes_to_the_next() -> None:
    purse = purse_of(tokens=100)
    first = await purse.reserve(purse.work, "first", prompt=0, tokens=100)
    later: list[Grant] = []

    async def cancelled(scope: anyio.CancelScope) -> None:
        with scope:
            await purse.reserve(purse.work, "second", prompt=0, tokens=100)
            await anyio.sleep_forever()

    async def wait() -> None:
        later.append(await use(purse, 100))

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(cancelled, scope)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        # The second is in the line still, and gets what comes back before it can leave.
        purse.commit(first.reservation, Usage())
        assert purse.run.reserved.tokens == 100
    assert [grant.tokens for grant in later] == [100]
    assert purse.run.reserved.tokens == 0
    # The call that was never made is not counted.
    assert purse.run.spent.calls == 2


async def test_every_commit_is_told_and_can_be_restored() -> None:
    told: list[tuple[str, Usage, int, float]] = []
    prices = Prices(prompt=0.15, generated=0.6)
    budget = Budget(tokens=1000, money=1, prices=prices)

    def spent(*arguments: Any) -> None:
        told.append(arguments)

    purse = Purse(budget, clock=lambda: 0, spent=spent)
    node = purse.work.child("1")
    grant = await purse.reserve(node, "1", prompt=10, tokens=100)
    purse.commit(grant.reservation, Usage(prompt_tokens=10, generated_tokens=7))
    async with purse.call(purse.work.child("2"), "2"):
        pass
    purse.book(purse.run.child("last"), Usage(generated_tokens=3))
    assert told == [
        ("(work)/1", Usage(prompt_tokens=10, generated_tokens=7), 1, pytest.approx(5.7e-6)),
        ("(work)/2", Usage(), 1, 0),
        ("last", Usage(generated_tokens=3), 1, pytest.approx(1.8e-6)),
    ]
    resumed = Purse(budget, clock=lambda: 0)
    for arguments in told:
        resumed.restore(*arguments)
    assert resumed.run.statistics() == purse.run.statistics()
    assert resumed.work.of("1") == purse.work.of("1")
    assert resumed.run.of("last").usage.generated_tokens == 3


async def test_tools_pay_calls() -> None:
    purse = purse_of(calls=2)
    for _ in range(2):
        async with purse.call(purse.work.child("1"), "1"):
            pass
    with pytest.raises(BudgetExhausted, match="2 of 2 calls used, and 'look up' needs more"):
        async with purse.call(purse.work.child("2"), "look up"):
            raise AssertionError("it must not be called")
    assert purse.run.spent.calls == 2


async def test_a_tool_that_calls_an_engine_does_not_wait_for_itself() -> None:
    purse = purse_of(calls=2, tokens=10)
    async with purse.call(purse.work, "a tool"):
        assert (await use(purse, 10)).tokens == 10
    assert purse.run.spent.calls == 2


async def test_a_reservation_may_be_on_an_account_without_limits() -> None:
    purse = Purse(clock=lambda: 0)
    assert (await use(purse, 10)).tokens == 10
    assert purse.run.spent.tokens == 10


async def test_a_call_whose_cost_cannot_be_kept_holds_up_nobody() -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("the disk is full")

    purse = Purse(Budget(tokens=100, final_share=0), clock=lambda: 0, spent=fail)
    first = await purse.reserve(purse.work, "first", prompt=0, tokens=100)
    waiting: list[Grant] = []

    async def wait() -> None:
        waiting.append(await purse.reserve(purse.work, "second", prompt=0, tokens=100))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="the disk is full"):
            purse.commit(first.reservation, Usage())
    assert [grant.tokens for grant in waiting] == [100]


def test_who_waits_learns_at_the_end_that_time_is_over() -> None:
    async def run() -> None:
        purse = purse_of(tokens=100, seconds=10)
        # Of an engine that does not heed the end.
        first = await purse.reserve(purse.work, "first", prompt=0, tokens=100)
        with pytest.raises(BudgetExhausted, match="10 of 10 seconds used, and 'a call of 100'"):
            await use(purse, 100)
        assert anyio.current_time() == 10
        assert purse.statistics().waiting == 0
        purse.commit(first.reservation, Usage())
        with pytest.raises(BudgetExhausted, match="10 of 10 seconds"):
            await use(purse, 1)

    run_virtually(run)


def test_a_tool_is_cut_when_time_is_over() -> None:
    async def run() -> None:
        purse = purse_of(seconds=10)

        async def call(account: Account) -> None:
            async with purse.call(account, "a slow tool"):
                await anyio.sleep(60)

        with pytest.raises(BudgetExhausted, match="10 of 10 seconds used, and 'a slow tool'"):
            await call(purse.work)
        assert anyio.current_time() == 10
        with pytest.raises(BudgetExhausted, match="seconds"):
            await call(purse.work)
        assert purse.run.spent.calls == 1

    run_virtually(run)


def test_time_before_a_resume_counts() -> None:
    async def run() -> None:
        purse = Purse(Budget(seconds=100), clock=lambda: 80 + anyio.current_time())
        assert purse.seconds_left(purse.work) == pytest.approx(10)
        assert purse.seconds_left(purse.run) == 20
        await anyio.sleep(30)
        assert purse.seconds_left(purse.run) == 0

    run_virtually(run)


def test_joins_within_joins_end_at_their_deadlines_while_they_wait() -> None:
    async def run() -> None:
        purse = purse_of(tokens=100)

        async def inner() -> list[str]:
            calls = [partial(use, purse, 100, seconds=50, actual=10) for _ in range(3)]
            return [outcome.status for outcome in await join(calls, Deadline(20))]

        outcomes = await join([inner, inner], Deadline(60))
        assert [outcome.value for outcome in outcomes] == [["cancelled"] * 3] * 2
        assert anyio.current_time() == 20
        assert purse.statistics().waiting == 0
        assert purse.run.reserved.tokens == 0
        assert (await use(purse, 90)).tokens == 90

    run_virtually(run)
