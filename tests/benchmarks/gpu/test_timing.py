"""Rounds of things that are compared, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio
import pytest

from benchmarks.gpu.timing import busy, collected, in_turns, together
from tests.backends import run_virtually

ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def lasting(seconds: float) -> Callable[[str], Awaitable[str]]:
    async def run(name: str) -> str:
        ran.append(name)
        await anyio.sleep(seconds)
        return name

    return run


RUNS = {"a": lasting(1), "b": lasting(2)}


def test_rounds_take_turns_in_who_is_first_and_the_warm_ones_do_not_count() -> None:
    found = run_virtually(lambda: in_turns(RUNS, repeats=2, warm=1))
    assert found == {"a": [1, 1], "b": [2, 2]}
    assert ran == ["a-0", "b-0", "b-1", "a-1", "a-2", "b-2"]


def test_what_runs_return_is_collected() -> None:
    found = run_virtually(lambda: collected(RUNS, repeats=2, warm=0))
    assert found == {"a": ["a-0", "a-1"], "b": ["b-0", "b-1"]}


@pytest.mark.parametrize(("within", "rounds"), [(math.inf, 4), (6, 2), (5.9, 1), (0, 1)])
def test_no_round_begins_when_time_is_up_but_one_counts(within: float, rounds: int) -> None:
    found = run_virtually(lambda: in_turns(RUNS, repeats=4, warm=1, within=within))
    assert found == {"a": [1] * rounds, "b": [2] * rounds}


def test_calls_together_take_as_long_as_the_longest() -> None:
    async def wait() -> None:
        await anyio.sleep(3)

    async def wait_less() -> None:
        await anyio.sleep(1)

    assert run_virtually(lambda: together([wait, wait_less])) == 3


def test_what_it_takes_to_read_clocks_is_in_no_time_and_the_last_one_sees_none_of_it() -> None:
    used = 0.0

    def slow() -> float:
        nonlocal used
        used += 5
        return 0.0

    def own() -> float:
        return used

    async def run() -> None:
        nonlocal used
        await anyio.sleep(2)
        used += 1

    seconds, _, share = run_virtually(lambda: busy(run, slow, own))
    assert (seconds, share) == (2, 0.5)
