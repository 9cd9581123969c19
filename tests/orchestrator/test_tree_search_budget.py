"""A tree search under a budget that runs out: it answers with what there is, and nothing is paid twice or hangs."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from engines import converse
from orchestrator.budget import Budget, BudgetEngine, Purse
from reasoning import Answer, NoCandidates
from tests.backends import run_virtually
from tests.reasoning.searches import Chain, answering_at, branches_of, engine_that, search


def found(depth: int, **limits: Any) -> tuple[Answer, Purse]:
    """A search of 4 for answers at this depth, a second a step, and what its budget was used for."""

    async def main() -> tuple[Answer, Purse]:
        inner = engine_that(answering_at(depth), lambda place: 1, seconds_per_token=0.01)
        purse = Purse(Budget(final_share=0, **limits), clock=anyio.current_time)
        engine = BudgetEngine(inner, purse, purse.work.child("1"))
        question = await converse(inner, [("user", "Why?")], name="root")
        with anyio.fail_after(10**6):
            answer = await search(rule=Chain()).solve(question, engine)
        statistics = await inner.statistics()
        assert statistics.running == 0
        assert purse.statistics().waiting == 0
        assert answer.usage.generated_tokens == statistics.generated_tokens
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        return answer, purse

    return run_virtually(main)


@pytest.mark.parametrize("calls", [9, 12, 13])
def test_calls_that_are_left_out_are_steps_that_are_lost(calls: int) -> None:
    answer, purse = found(3, calls=calls)
    assert purse.run.spent.calls == min(calls, 12)
    assert answer.value == "7"
    lost = "3 of 12 steps were lost, the first: budget exhausted"
    assert (lost in answer.remark) == (calls == 9)


def test_tokens_that_run_out_cut_thoughts_which_are_told_as_cut() -> None:
    whole, purse = found(4)
    tokens = purse.run.spent.tokens
    for share in (0.2, 0.5, 0.8, 0.95):
        answer, _ = found(4, tokens=round(tokens * share))
        assert answer.truncated == (answer.value is None)
        assert answer.remark
        statuses = {branch.status for branch in branches_of(answer).values()}
        assert statuses & {"truncated", "failed"}
    assert whole.value == "7"


def test_time_that_runs_out_ends_the_search_in_time() -> None:
    whole, _ = found(5)
    answer, _ = found(5, seconds=2.5)
    assert (whole.value, answer.value, answer.truncated) == ("7", None, True)
    assert len(branches_of(answer)) < len(branches_of(whole))


def test_a_budget_for_nothing_is_told() -> None:
    with pytest.raises(NoCandidates, match="4 of 4 steps were lost, the first: budget exhausted"):
        found(2, tokens=3)
