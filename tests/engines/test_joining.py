from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    All,
    Deadline,
    EngineUnavailable,
    FakeEngine,
    First,
    Fraction,
    JoinPolicy,
    KOfN,
    Outcome,
    UsageError,
    join,
)
from tests.backends import run_virtually

Call = Callable[[], Awaitable[int]]


class Branches:
    """Branches that take a time each, and how often each one ran and was cut."""

    def __init__(self, delays: list[float], failing: set[int] | None = None) -> None:
        self.failing = failing or set()
        self.ran = [0] * len(delays)
        self.cut = 0
        self.calls: list[Call] = [self._branch(i, delay) for i, delay in enumerate(delays)]

    def _branch(self, index: int, delay: float) -> Call:
        async def run() -> int:
            self.ran[index] += 1
            try:
                await anyio.sleep(delay)
            except BaseException:
                self.cut += 1
                raise
            if index in self.failing:
                raise EngineUnavailable(f"branch {index}")
            return index

        return run

    def joined(self, policy: JoinPolicy | None = None, repeats: int = 0) -> list[Outcome[int]]:
        async def main() -> list[Outcome[int]]:
            outcomes = await join(self.calls, policy, repeats=repeats)
            self.seconds = anyio.current_time()
            return outcomes

        return run_virtually(main)


def statuses(outcomes: list[Outcome[int]]) -> list[str]:
    return [outcome.status for outcome in outcomes]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8, unique=True), st.integers(1, 9))
def test_k_of_n_takes_the_k_fastest_and_cuts_the_rest(delays: list[int], k: int) -> None:
    branches = Branches([float(delay) for delay in delays])
    outcomes = branches.joined(KOfN(k))
    fastest = sorted(delays)[:k]
    assert [outcome.value for outcome in outcomes] == [
        i if delay in fastest else None for i, delay in enumerate(delays)
    ]
    assert branches.seconds == fastest[-1]
    assert branches.cut == len(delays) - len(fastest)


def test_the_first_usable_branch_wins_and_a_failure_is_none() -> None:
    branches = Branches([1, 2, 3], failing={0})
    assert statuses(branches.joined(First())) == ["failed", "ok", "cancelled"]
    assert branches.seconds == 2


def test_a_policy_that_cannot_be_met_waits_for_all() -> None:
    branches = Branches([1, 2, 3], failing={0, 1})
    assert statuses(branches.joined(KOfN(2))) == ["failed", "failed", "ok"]


def test_a_fraction_is_rounded_up() -> None:
    branches = Branches([float(i) for i in range(1, 31)])
    assert statuses(branches.joined(Fraction(0.1))).count("ok") == 3


def test_a_deadline_cuts_what_has_not_ended() -> None:
    branches = Branches([1, 5, 9])
    outcomes = branches.joined(Deadline(6))
    assert statuses(outcomes) == ["ok", "ok", "cancelled"]
    assert outcomes[2].reason == "it did not end in time"
    assert branches.seconds == 6


def test_a_deadline_over_another_policy_ends_with_whichever_comes_first() -> None:
    assert statuses(Branches([1, 5, 9]).joined(Deadline(6, First()))) == [
        "ok", "cancelled", "cancelled",
    ]  # fmt: skip


def test_only_what_failed_is_repeated_while_there_is_not_enough() -> None:
    branches = Branches([1, 1, 1], failing={1})
    assert statuses(branches.joined(All(), repeats=2)) == ["ok", "failed", "ok"]
    assert branches.ran == [1, 3, 1]
    branches = Branches([1, 1, 1], failing={1})
    branches.joined(KOfN(2), repeats=2)
    assert branches.ran == [1, 1, 1]


def test_fail_fast_cancels_the_others_at_the_first_failure() -> None:
    branches = Branches([3, 1, 5], failing={1})

    async def main() -> list[Outcome[int]]:
        return await join(branches.calls, fail_fast=True)

    assert statuses(run_virtually(main)) == ["cancelled", "failed", "cancelled"]


@pytest.mark.parametrize("policy", [First(), KOfN(2), Fraction(0.5), Deadline(4), All()])
def test_a_join_that_is_replayed_takes_the_same_way_whatever_is_fast_now(
    policy: JoinPolicy,
) -> None:
    kept: dict[str, object] = {}

    class Keeping(FakeEngine):
        async def decide(self, path, choose):  # type: ignore[no-untyped-def]
            if path not in kept:
                kept[path] = await choose()
            return kept[path]

    async def main(branches: Branches) -> list[Outcome[int]]:
        return await join(branches.calls, policy, engine=Keeping(), path="root")

    first = run_virtually(lambda: main(Branches([3, 1, 2, 9])))
    again = Branches([1, 9, 5, 2])
    assert run_virtually(lambda: main(again)) == first
    assert [count > 0 for count in again.ran] == [outcome.usable for outcome in first]


@pytest.mark.parametrize(
    "make", [lambda: KOfN(0), lambda: Fraction(0), lambda: Fraction(1.5), lambda: Deadline(0)]
)
def test_a_policy_that_waits_for_nothing_is_refused(make: Callable[[], JoinPolicy]) -> None:
    with pytest.raises(UsageError):
        make()
