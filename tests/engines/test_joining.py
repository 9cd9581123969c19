from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

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

    async def recover(self, after: float) -> None:
        await anyio.sleep(after)
        self.failing.clear()

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


def test_of_deadlines_within_each_other_the_shortest_counts() -> None:
    for policy in (Deadline(10, Deadline(3)), Deadline(3, Deadline(10, First()))):
        assert policy.seconds == 3
    branches = Branches([5, 9])
    branches.joined(Deadline(10, Deadline(3, First())))
    assert branches.seconds == 3


def test_fail_fast_cancels_the_others_at_the_first_failure() -> None:
    branches = Branches([3, 1, 5], failing={1})

    async def main() -> list[Outcome[int]]:
        return await join(branches.calls, fail_fast=True)

    outcomes = run_virtually(main)
    assert statuses(outcomes) == ["cancelled", "failed", "cancelled"]
    assert outcomes[0].reason == outcomes[2].reason == "another one failed"


def test_with_repeats_fail_fast_runs_again_what_failed_and_what_was_cancelled() -> None:
    branches = Branches([3, 2, 1], failing={1})

    async def main() -> list[Outcome[int]]:
        async with anyio.create_task_group() as group:
            group.start_soon(branches.recover, 2.5)
            outcomes = await join(branches.calls, fail_fast=True, repeats=1)
        return outcomes

    assert [outcome.value for outcome in run_virtually(main)] == [0, 1, 2]
    assert branches.ran == [2, 2, 1]


class Keeping(FakeEngine):
    """Keeps decisions as a journal does."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, object] = {}

    async def decide(self, path, choose):  # type: ignore[no-untyped-def]
        if path not in self.kept:
            self.kept[path] = await choose()
        return self.kept[path]


@pytest.mark.parametrize("policy", [First(), KOfN(2), Fraction(0.5), Deadline(4), All()])
def test_a_join_that_is_replayed_takes_the_same_way_whatever_is_fast_now(
    policy: JoinPolicy,
) -> None:
    engine = Keeping()

    async def main(branches: Branches) -> list[Outcome[int]]:
        return await join(branches.calls, policy, engine=engine, path="root")

    first = run_virtually(lambda: main(Branches([3, 1, 2, 9])))
    again = Branches([1, 9, 5, 2])
    assert run_virtually(lambda: main(again)) == first
    assert [count > 0 for count in again.ran] == [outcome.usable for outcome in first]


@pytest.mark.parametrize(
    ("policy", "fail_fast", "before", "after", "ran"),
    [
        (KOfN(2), False, ["ok", "failed", "ok", "cancelled"], ["ok", "ok", "ok", "cancelled"],
         [1, 1, 1, 0]),
        (All(), True, ["ok", "failed", "cancelled", "cancelled"], ["ok"] * 4, [1, 1, 1, 1]),
        (Deadline(4), False, ["ok", "failed", "ok", "cancelled"], ["ok", "ok", "ok", "cancelled"],
         [1, 1, 1, 0]),
    ],
)  # fmt: skip
def test_what_had_failed_is_tried_again_when_a_run_is_resumed(
    policy: JoinPolicy, fail_fast: bool, before: list[str], after: list[str], ran: list[int]
) -> None:
    engine = Keeping()

    async def main(branches: Branches) -> list[Outcome[int]]:
        return await join(branches.calls, policy, engine=engine, path="root", fail_fast=fail_fast)

    assert statuses(run_virtually(lambda: main(Branches([1, 2, 3, 9], failing={1})))) == before
    # The server is as broken as before: nothing changes.
    broken = Branches([1, 2, 3, 9], failing={1})
    assert statuses(run_virtually(lambda: main(broken))) == before
    mended = Branches([9, 8, 7, 1])
    assert statuses(run_virtually(lambda: main(mended))) == after
    assert mended.ran == ran


def test_what_is_kept_of_a_branch_that_is_left_behind_is_part_of_the_decision() -> None:
    engine = Keeping()

    async def main(told: str) -> list[Outcome[int]]:
        branches = Branches([3, 1, 9])
        keep = lambda index: f"{told} {index}"  # noqa: E731
        return await join(branches.calls, First(), engine=engine, path="root", keep=keep)

    first = run_virtually(lambda: main("kept of"))
    assert [outcome.value for outcome in first] == ["kept of 0", 1, "kept of 2"]
    assert run_virtually(lambda: main("another time")) == first
    assert len(engine.kept) == 1


def test_repeats_count_when_a_run_is_resumed() -> None:
    engine = Keeping()

    async def main(branches: Branches) -> list[Outcome[int]]:
        async with anyio.create_task_group() as group:
            group.start_soon(branches.recover, 1.5)
            outcomes = await join(branches.calls, KOfN(2), engine=engine, path="root", repeats=1)
        return outcomes

    for _ in range(2):
        branches = Branches([1, 1], failing={1})
        assert statuses(run_virtually(partial(main, branches))) == ["ok", "ok"]
        assert branches.ran == [1, 2]


@pytest.mark.parametrize(
    "make", [lambda: KOfN(0), lambda: Fraction(0), lambda: Fraction(1.5), lambda: Deadline(0)]
)
def test_a_policy_that_waits_for_nothing_is_refused(make: Callable[[], JoinPolicy]) -> None:
    with pytest.raises(UsageError):
        make()
