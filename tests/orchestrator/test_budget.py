from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Usage, UsageError
from orchestrator.budget import Budget, Limits, Prices

PRICES = Prices(prompt=0.25, cached=0.025, generated=2)


def test_without_limits_anything_may_be_spent() -> None:
    assert Budget().limits == Budget().work_limits == Limits()


def test_a_share_of_every_limit_is_kept_back_for_the_last_reduction() -> None:
    budget = Budget(tokens=1000, calls=30, seconds=60, money=0.3, prices=PRICES)
    assert budget.limits == Limits(tokens=1000, calls=30, seconds=60, money=Decimal("0.3"))
    assert budget.work_limits == Limits(tokens=900, calls=27, seconds=54, money=Decimal("0.27"))


def test_a_share_of_nothing_keeps_nothing_back() -> None:
    budget = Budget(tokens=1000, calls=3, seconds=60, final_share=0)
    assert budget.work_limits == budget.limits


@pytest.mark.parametrize("calls", [1, 2, 3, 10])
def test_one_call_at_least_is_kept_back_and_one_is_left_for_the_work(calls: int) -> None:
    work = Budget(calls=calls).work_limits.calls
    assert work == max(calls - 1, 1)


@given(
    tokens=st.integers(1, 10**9),
    share=st.floats(0, 0.99),
    money=st.integers(1, 10**6).map(lambda cents: cents / 100),
)
def test_the_work_never_gets_more_than_the_run(tokens: int, share: float, money: float) -> None:
    budget = Budget(tokens=tokens, money=money, prices=PRICES, final_share=share)
    work, run = budget.work_limits, budget.limits
    assert work.tokens is not None
    assert run.tokens is not None
    assert 1 <= work.tokens <= run.tokens
    assert work.money is not None
    assert run.money is not None
    assert 0 < work.money <= run.money


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": 0}, "a budget of 0 tokens is none: give more than 0"),
        ({"calls": -1}, "a budget of -1 calls is none"),
        ({"seconds": math.nan}, "a budget of nan seconds is none"),
        ({"seconds": math.inf}, "a budget of inf seconds is none"),
        ({"money": 0.0, "prices": PRICES}, "a budget of 0.0 money is none"),
        ({"money": 5.0}, "a budget of 5.0 money says nothing: give the prices too"),
        ({"final_share": 1.0}, "a share of 1.0 for the last reduction"),
        ({"final_share": -0.1}, "a share of -0.1 for the last reduction"),
    ],
)
def test_what_is_no_budget_is_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Budget(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf])
def test_what_is_no_price_is_refused(price: float) -> None:
    with pytest.raises(UsageError, match="give the price of a million, at least 0"):
        Prices(prompt=1, generated=price)


def test_cached_tokens_have_a_price_of_their_own() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=800, generated_tokens=100)
    assert PRICES.of(usage) == Decimal("0.00005") + Decimal("0.00002") + Decimal("0.0002")


def test_cached_tokens_cost_as_others_where_nothing_else_is_said() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=800)
    assert Prices(prompt=1, generated=1).of(usage) == Decimal("0.001")


def test_nothing_is_taken_for_cached_where_the_engine_does_not_say() -> None:
    assert PRICES.of(Usage(prompt_tokens=1000, cached_tokens=None)) == Decimal("0.00025")


@given(prompt=st.integers(0, 10**6), cached=st.integers(0, 10**6), price=st.floats(0, 100))
def test_no_prompt_costs_more_than_was_expected_of_it(
    prompt: int, cached: int, price: float
) -> None:
    prices = Prices(prompt=1, cached=price, generated=2)
    usage = Usage(prompt_tokens=prompt, cached_tokens=min(cached, prompt))
    assert prices.of(usage) <= prices.before(prompt)
