from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import EngineUnavailable, ForkjoinError, Outcome, RunError, UsageError, join_in_order
from tests.backends import run_virtually


class Line:
    """Branches that take a time each and give their number; what began, and how many ran at once."""

    def __init__(self, delays: Sequence[float], failing: set[int] | None = None) -> None:
        self.begun: list[int] = []
        self.cut: list[int] = []
        self.running = self.most = 0
        self.errors: dict[int, Exception] = {
            i: EngineUnavailable(f"branch {i}") for i in failing or ()
        }
        self.calls = [partial(self._run, i, delay) for i, delay in enumerate(delays)]

    async def _run(self, index: int, delay: float) -> int:
        self.begun.append(index)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await anyio.sleep(delay)
        except BaseException:
            self.cut.append(index)
            raise
        finally:
            self.running -= 1
        if index in self.errors:
            raise self.errors[index]
        return index


def after(count: int) -> Callable[[Sequence[Outcome[int]]], bool]:
    """Enough are so many."""
    return lambda outcomes: len(outcomes) == count


def joined(
    line: Line,
    enough: Callable[[Sequence[Outcome[int]]], bool],
    in_flight: int,
    deciding: float = 0,
) -> tuple[list[Outcome[int]], list[int], float]:
    """The outcomes, of how many it was asked whether they are enough, and how long it took."""
    asked: list[int] = []

    async def decide(outcomes: Sequence[Outcome[int]]) -> bool:
        asked.append(len(outcomes))
        await anyio.sleep(deciding)
        return enough(outcomes)

    async def main() -> tuple[list[Outcome[int]], list[int], float]:
        outcomes = await join_in_order(line.calls, decide, in_flight=in_flight)
        return outcomes, asked, anyio.current_time()

    return run_virtually(main)


delays = st.lists(st.integers(0, 1000), min_size=1, max_size=9)


@given(
    delays, st.integers(1, 10), st.integers(1, 10), st.sets(st.integers(0, 8)), st.integers(0, 9)
)
def test_the_outcomes_depend_on_the_order_of_the_branches_only(
    delays: list[int], count: int, in_flight: int, failing: set[int], deciding: int
) -> None:
    line = Line(delays, failing)
    outcomes, asked, _ = joined(line, after(count), in_flight, deciding)
    used = min(count, len(delays))
    assert asked == list(range(1, used + 1))
    assert [outcome.status for outcome in outcomes] == [
        "cancelled" if i >= used else "failed" if i in failing else "ok" for i in range(len(delays))
    ]
    assert [o.value for o in outcomes if o.status == "ok"] == [
        i for i in range(used) if i not in failing
    ]
    assert all(o.reason == "the ones before were enough" for o in outcomes[used:])
    assert line.running == 0
    assert line.most <= in_flight
    assert sorted(line.begun) == list(range(len(line.begun)))


@given(delays, st.integers(1, 10))
def test_with_one_in_flight_none_is_begun_in_vain(delays: list[int], count: int) -> None:
    line = Line(delays)
    _, _, seconds = joined(line, after(count), in_flight=1)
    assert line.begun == list(range(min(count, len(delays))))
    assert seconds == sum(delays[:count])


def test_as_soon_as_one_ends_the_next_begins() -> None:
    line = Line([10, 1, 1, 1])
    _, _, seconds = joined(line, after(9), in_flight=2)
    assert (seconds, line.most) == (10, 2)


def test_what_still_runs_is_cut_when_the_first_are_enough() -> None:
    line = Line([1, 50, 50, 50])
    outcomes, _, seconds = joined(line, after(1), in_flight=3)
    assert [outcome.status for outcome in outcomes] == ["ok", "cancelled", "cancelled", "cancelled"]
    assert (sorted(line.begun), sorted(line.cut), seconds) == ([0, 1, 2], [1, 2], 1)


def test_one_that_ended_behind_the_one_that_was_enough_does_not_count() -> None:
    outcomes, asked, _ = joined(Line([5, 1, 1]), after(1), in_flight=3)
    assert [outcome.status for outcome in outcomes] == ["ok", "cancelled", "cancelled"]
    assert asked == [1]


def test_while_it_is_decided_nothing_else_is() -> None:
    """Decisions build on each other, and they take time."""
    deciding = 0

    async def decide(outcomes: Sequence[Outcome[int]]) -> bool:
        nonlocal deciding
        deciding += 1
        assert deciding == 1
        await anyio.sleep(7)
        deciding -= 1
        return False

    run_virtually(lambda: join_in_order(Line([1, 2, 3, 4]).calls, decide, in_flight=4))


def test_what_was_decided_on_stays_as_it_was() -> None:
    kept: list[Sequence[Outcome[int]]] = []

    def never(outcomes: Sequence[Outcome[int]]) -> bool:
        kept.append(outcomes)
        return False

    joined(Line([1, 1, 1]), never, in_flight=3)
    assert [len(outcomes) for outcomes in kept] == [1, 2, 3]


def test_of_no_branches_there_are_no_outcomes() -> None:
    assert joined(Line([]), after(1), in_flight=3)[:2] == ([], [])


def test_nothing_in_flight_is_a_wrong_usage() -> None:
    with pytest.raises(UsageError, match="0 branches in flight never end"):
        joined(Line([1]), after(1), in_flight=0)


@pytest.mark.parametrize("error", [EngineUnavailable("no equality"), RunError("no journal")])
def test_an_error_of_the_decision_ends_it_as_itself(error: ForkjoinError) -> None:
    line = Line([1, 50, 50])

    def broken(outcomes: Sequence[Outcome[int]]) -> bool:
        raise error

    with pytest.raises(type(error), match=str(error)):
        joined(line, broken, in_flight=3)
    assert (line.running, sorted(line.cut)) == (0, [1, 2])


def test_when_the_run_cannot_go_on_no_branch_does() -> None:
    line = Line([1, 50])
    line.errors[0] = RunError("no journal")
    with pytest.raises(RunError, match="no journal"):
        joined(line, after(9), in_flight=2)
    assert line.cut == [1]


def test_a_bug_is_no_failed_branch() -> None:
    line = Line([1, 50])
    line.errors[0] = KeyError("oops")
    with pytest.raises(KeyError):
        joined(line, after(9), in_flight=2)
    assert (line.running, line.cut) == (0, [1])


@pytest.mark.parametrize("deciding", [0, 100])
def test_cancelled_from_outside_it_ends_with_all_its_branches(deciding: float) -> None:
    line = Line([1, 500, 500])

    async def decide(outcomes: Sequence[Outcome[int]]) -> bool:
        await anyio.sleep(deciding)
        return False

    async def main() -> tuple[bool, float]:
        with anyio.move_on_after(10) as scope:
            await join_in_order(line.calls, decide, in_flight=2)
        return scope.cancelled_caught, anyio.current_time()

    assert run_virtually(main) == (True, 10)
    assert (line.running, sorted(line.cut)) == (0, [1] if deciding else [1, 2])
