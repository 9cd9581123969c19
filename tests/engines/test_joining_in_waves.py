from __future__ import annotations

import itertools
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    All,
    Deadline,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    First,
    Fraction,
    JoinPolicy,
    KOfN,
    Outcome,
    RunError,
    Waves,
    join_in_waves,
)
from tests.backends import run_virtually

Wave = Mapping[str, Outcome[str]]


class Deciding(EngineWrapper):
    """Keeps decisions, as a journal does, and answers from those that it was given."""

    def __init__(self, kept: Mapping[str, str] | None = None) -> None:
        super().__init__(FakeEngine())
        self.kept: dict[str, str] = dict(kept or {})

    async def decide(self, path: str, choose: Callable[[], Awaitable[Any]]) -> Any:
        if path not in self.kept:
            self.kept[path] = json.dumps(await choose())
        return json.loads(self.kept[path])


class Branches:
    """Branches that take a time each and give their key; which ones began, and which were cut."""

    def __init__(self, delays: Mapping[str, float], failing: Sequence[str] = ()) -> None:
        self.delays = delays
        self.begun: list[str] = []
        self.cut: list[str] = []
        self.running = 0
        self.errors: dict[str, Exception] = {key: EngineUnavailable(key) for key in failing}

    def begin(self, waves: Waves[str], *keys: str) -> None:
        for key in keys or self.delays:
            waves.begin(key, partial(self._run, key))

    async def _run(self, key: str) -> str:
        self.begun.append(key)
        self.running += 1
        try:
            await anyio.sleep(self.delays[key])
        except BaseException:
            self.cut.append(key)
            raise
        finally:
            self.running -= 1
        if key in self.errors:
            raise self.errors[key]
        return key


def waves_of(
    branches: Branches, *policies: JoinPolicy, engine: Deciding | None = None
) -> list[tuple[float, Wave]]:
    """All branches at once, and the waves that the policies take, with the time of each."""

    async def main() -> list[tuple[float, Wave]]:
        taken = []
        async with join_in_waves(engine or Deciding(), "root") as waves:
            branches.begin(waves)
            for policy in policies:
                wave = await waves.next(policy)
                taken.append((anyio.current_time(), wave))
        return taken

    return run_virtually(main)


def keys_of(waves: Sequence[tuple[float, Wave]]) -> list[list[str]]:
    return [list(wave) for _, wave in waves]


ABC = {"a": 3.0, "b": 1.0, "c": 2.0}


def test_a_wave_of_all_is_in_the_order_in_which_they_began() -> None:
    ((seconds, wave),) = waves_of(Branches(ABC), All())
    assert (seconds, list(wave)) == (3, ["a", "b", "c"])
    assert [outcome.value for outcome in wave.values()] == ["a", "b", "c"]


@pytest.mark.parametrize("policy", [Fraction(0.6), KOfN(2)])
def test_what_is_late_belongs_to_a_later_wave(policy: JoinPolicy) -> None:
    branches = Branches(ABC)
    waves = waves_of(branches, policy, policy)
    assert [seconds for seconds, _ in waves] == [2, 3]
    assert keys_of(waves) == [["b", "c"], ["a"]]
    assert branches.cut == []


def test_new_branches_run_beside_those_that_are_late() -> None:
    branches = Branches({"slow": 10, "a": 1, "b": 1, "c": 1})

    async def main() -> list[tuple[float, list[str], tuple[str, ...]]]:
        seen = []
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves, "slow", "a")
            for following in ("b", "c", ""):
                wave = await waves.next(Fraction(0.5))
                seen.append((anyio.current_time(), list(wave), waves.in_flight))
                if following:
                    branches.begin(waves, following)
            await waves.next(All())
            assert anyio.current_time() == 10
        return seen

    assert run_virtually(main) == [
        (1, ["a"], ("slow",)),
        (2, ["b"], ("slow",)),
        (3, ["c"], ("slow",)),
    ]


@pytest.mark.parametrize("policy", [Fraction(0.5), Deadline(99), KOfN(1)])
def test_however_many_are_late_they_hold_nothing_up(policy: JoinPolicy) -> None:
    branches = Branches({**{f"slow-{i}": 50 for i in range(9)}, "a": 1, "b": 1})

    async def main() -> list[tuple[float, list[str]]]:
        seen: list[tuple[float, list[str]]] = []
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves, *[key for key in branches.delays if key != "b"])
            for _ in range(2):
                wave = await waves.next(KOfN(1) if not seen else policy)
                seen.append((anyio.current_time(), list(wave)))
                branches.begin(waves, "b")
        return seen

    assert run_virtually(main) == [(1, ["a"]), (2, ["b"])]


def test_one_that_is_late_joins_the_wave_in_which_it_ends() -> None:
    branches = Branches({"late": 3, "a": 1, "b": 4, "c": 5})

    async def main() -> tuple[float, list[str]]:
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves, "late", "a")
            await waves.next(First())
            branches.begin(waves, "b", "c")
            wave = await waves.next(Fraction(0.5))
            return anyio.current_time(), list(wave)

    assert run_virtually(main) == (5, ["late", "b"])


def test_one_that_is_late_does_not_wait_for_a_slow_one_that_was_begun_after_it() -> None:
    branches = Branches({"late": 3, "a": 1, "slow": 50})

    async def main() -> tuple[float, list[str]]:
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves, "late", "a")
            await waves.next(First())
            branches.begin(waves, "slow")
            wave = await waves.next(Fraction(0.5))
            return anyio.current_time(), list(wave)

    assert run_virtually(main) == (3, ["late"])


def test_waves_do_not_shrink_where_times_differ_only_somewhat() -> None:
    """Else a search would soon choose from one or two at a time."""
    draw = random.Random(5)
    branches = Branches({str(i): draw.lognormvariate(0, 0.7) for i in range(2000)})
    keys = iter(branches.delays)

    async def main() -> list[int]:
        sizes = [16]
        async with join_in_waves(Deciding(), "root") as waves:
            for _ in range(100):
                branches.begin(waves, *itertools.islice(keys, sizes[-1]))
                sizes.append(len(await waves.next(Fraction(0.5))))
        return sizes

    assert fmean(run_virtually(main)) > 6


def test_where_all_that_were_begun_fail_what_is_late_is_not_waited_for() -> None:
    branches = Branches({"late": 50, "a": 1, "b": 1}, failing=["b"])

    async def main() -> tuple[float, list[str]]:
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves, "late", "a")
            await waves.next(First())
            branches.begin(waves, "b")
            wave = await waves.next(First())
            return anyio.current_time(), [outcome.status for outcome in wave.values()]

    assert run_virtually(main) == (2, ["failed"])


def test_a_deadline_takes_what_there_is_and_cuts_nothing() -> None:
    branches = Branches(ABC)
    waves = waves_of(branches, Deadline(1.5), Deadline(0.1), Deadline(9))
    assert [seconds for seconds, _ in waves] == [1.5, 1.6, 3]
    assert keys_of(waves) == [["b"], [], ["a", "c"]]
    assert branches.cut == []


def test_one_that_never_ends_and_a_deadline_do_not_hang() -> None:
    branches = Branches({"a": 1e9})
    assert waves_of(branches, Deadline(5)) == [(5, {})]
    assert (branches.cut, branches.running) == (["a"], 0)


def test_failures_are_outcomes_and_are_not_enough() -> None:
    branches = Branches({"a": 1, "b": 2, "c": 3}, failing=["a"])
    ((seconds, wave),) = waves_of(branches, First())
    assert seconds == 2
    assert {key: (o.status, o.reason) for key, o in wave.items()} == {
        "a": ("failed", "a"),
        "b": ("ok", ""),
    }


@pytest.mark.parametrize("policy", [All(), First(), Fraction(0.1), Deadline(99, KOfN(2))])
def test_where_all_fail_all_are_taken(policy: JoinPolicy) -> None:
    ((seconds, wave),) = waves_of(Branches(ABC, failing="abc"), policy)
    assert (seconds, [o.status for o in wave.values()]) == (3, ["failed"] * 3)


@pytest.mark.parametrize("policy", [All(), First(), Deadline(5, Fraction(0.5))])
def test_of_nothing_in_flight_there_is_an_empty_wave_at_once(policy: JoinPolicy) -> None:
    assert waves_of(Branches({}), policy) == [(0, {})]


def test_leaving_the_block_aborts_what_runs() -> None:
    branches = Branches(ABC)
    waves_of(branches, First())
    assert (sorted(branches.cut), branches.running) == (["a", "c"], 0)


@pytest.mark.parametrize("error", [KeyError("oops"), RunError("no journal")])
@pytest.mark.parametrize("policy", [All(), Fraction(0.9), Deadline(99)])
def test_a_bug_and_a_run_that_cannot_go_on_end_the_block(
    error: Exception, policy: JoinPolicy
) -> None:
    branches = Branches(ABC)
    branches.errors["b"] = error
    with pytest.raises(type(error)):
        waves_of(branches, policy)
    assert (sorted(branches.cut), branches.running) == (["a", "c"], 0)


def test_an_error_of_the_block_aborts_what_runs_and_is_raised_as_itself() -> None:
    branches = Branches(ABC)

    async def main() -> None:
        async with join_in_waves(Deciding(), "root") as waves:
            branches.begin(waves)
            await waves.next(First())
            raise EngineUnavailable("the scorer is gone")

    with pytest.raises(EngineUnavailable, match="the scorer is gone"):
        run_virtually(main)
    assert (sorted(branches.cut), branches.running) == (["a", "c"], 0)


@pytest.mark.parametrize("policy", [All(), Fraction(0.9), Deadline(99)])
def test_cancelled_from_outside_it_ends_with_all_its_branches(policy: JoinPolicy) -> None:
    branches = Branches({"a": 50, "b": 60})

    async def main() -> tuple[bool, float]:
        with anyio.move_on_after(10) as scope:
            async with join_in_waves(Deciding(), "root") as waves:
                branches.begin(waves)
                await waves.next(policy)
        return scope.cancelled_caught, anyio.current_time()

    assert run_virtually(main) == (True, 10)
    assert (sorted(branches.cut), branches.running) == (["a", "b"], 0)


times = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 50), min_size=1)


@given(times, times, st.lists(st.sampled_from([0.1, 0.5, 0.8, 1.0]), max_size=5))
def test_a_run_that_is_resumed_takes_the_same_waves_at_whatever_speed(
    first: dict[str, int], second: dict[str, int], shares: list[float]
) -> None:
    delays = {key: float(first[key]) for key in first}
    others = {key: float(second.get(key, 7)) for key in first}
    policies: list[JoinPolicy] = [Deadline(40, Fraction(share)) for share in shares]
    engine = Deciding()
    taken = keys_of(waves_of(Branches(delays), *policies, engine=engine))
    for kept in range(len(engine.kept) + 1):
        resumed = Deciding(dict(list(engine.kept.items())[:kept]))
        again = keys_of(waves_of(Branches(others), *policies, engine=resumed))
        assert again[:kept] == taken[:kept]


def test_a_run_that_is_resumed_starts_nothing_that_was_left_behind() -> None:
    policies: list[JoinPolicy] = [First(), Deadline(0.5)]
    engine = Deciding()
    assert keys_of(waves_of(Branches(ABC), *policies, engine=engine)) == [["b"], []]
    branches = Branches(ABC)
    assert keys_of(waves_of(branches, *policies, engine=engine)) == [["b"], []]
    assert (branches.begun, branches.cut) == (["b"], [])


def test_where_decisions_end_what_is_late_is_started_again() -> None:
    engine = Deciding()
    waves_of(Branches(ABC), First(), engine=engine)
    branches = Branches(ABC)
    waves = waves_of(branches, First(), First(), All(), engine=engine)
    assert keys_of(waves) == [["b"], ["c"], ["a"]]
    assert sorted(branches.begun) == ["a", "b", "c"]


def test_all_is_no_decision() -> None:
    engine = Deciding()
    waves_of(Branches(ABC), All(), engine=engine)
    assert engine.kept == {}


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_its_cost_grows_with_the_branches(share: float) -> None:
    """The policy is asked at most twice for each end: a count at every end would be seen here."""
    asked = 0

    class Counting(Fraction):
        def enough(self, usable: int, total: int) -> bool:
            nonlocal asked
            asked += 1
            return super().enough(usable, total)

    count = 2000
    branches = Branches({str(i): float(i) for i in range(count)})
    waves = waves_of(branches, *[Counting(share)] * 12)
    assert sum(len(wave) for _, wave in waves) == count
    assert asked <= 2 * count + 24
