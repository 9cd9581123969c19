"""Without barriers: what is slow delays nothing but itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import Context, FakeEngine, Sampling, converse
from reasoning import Answer, NoCandidates
from reasoning.searching.tree import Place
from tests.backends import run_virtually
from tests.reasoning.searches import (
    LOST,
    Chain,
    Reply,
    answering_at,
    begun,
    branches_of,
    engine_that,
    place_of,
    search,
    solved,
)

Seconds = Callable[[Place], float]


def one_slow(place: Place) -> float:
    """The branch of the first child is 10 times slower than the others, at each of its steps."""
    return 10 if place[0] == 0 else 1


class Clocked:
    """An engine that notes when each step began and ended.

    Args:
        tells: What a step says.
        seconds: How long it takes.
    """

    def __init__(self, tells: Callable[[Place], Reply], seconds: Seconds) -> None:
        self.began: dict[Place, float] = {}
        self.ended: dict[Place, float] = {}
        self._tells, self._seconds = tells, seconds
        self.engine = FakeEngine(self._script)

    async def _script(self, context: Context, sampling: Sampling) -> Reply:
        place = place_of(context)
        self.began[place] = anyio.current_time()
        await anyio.sleep(self._seconds(place))
        self.ended[place] = anyio.current_time()
        return self._tells(place)


def timed(engine: FakeEngine, **options: object) -> tuple[Answer, float]:
    """What a search answers, and how long it takes."""

    async def main() -> tuple[Answer, float]:
        answer = await solved(search(rule=Chain(), **options), engine)
        return answer, anyio.current_time()

    return run_virtually(main)


def ends(fraction: float) -> tuple[list[float], float]:
    """When each of four chains of five steps came to its end."""
    clocked = Clocked(answering_at(5), one_slow)
    _, seconds = timed(clocked.engine, fraction=fraction)
    return [clocked.ended[first, 0, 0, 0, 0] for first in range(4)], seconds


def test_a_branch_ten_times_slower_delays_nothing_but_itself() -> None:
    assert ends(fraction=0.5) == ([50, 5, 5, 5], 50)


def test_between_barriers_it_delays_all() -> None:
    assert ends(fraction=1) == ([50, 41, 41, 41], 50)


def test_where_another_step_is_slow_each_time_a_search_ends_sooner() -> None:
    """With barriers each wave waits for 10 s. Without, only the chain of the slow step does, and the first of them for
    one more, since by then all four are slow.
    """

    def unlucky(place: Place) -> float:
        return 10 if place[0] == len(place) - 1 else 1

    times = [timed(engine_that(answering_at(4), unlucky), fraction=f)[1] for f in (1, 0.5)]
    assert times == [40, 14]


def test_what_is_late_joins_the_next_wave() -> None:
    clocked = Clocked(answering_at(3), lambda place: 1.5 if place == (0,) else 1)
    timed(clocked.engine, fraction=0.5)
    assert clocked.began[1, 0] == 1
    # Taken with the wave that began at 1 and ended at 2.
    assert clocked.began[0, 0] == 2


def test_a_deadline_selects_from_what_there_is() -> None:
    clocked = Clocked(answering_at(3), lambda place: 5 if place == (0,) else 1)
    timed(clocked.engine, deadline=2.0)
    assert clocked.began[1, 0] == 2
    # The late one is not waited for again.
    assert clocked.began[1, 0, 0] == 3
    assert clocked.ended[1, 0, 0] == 4
    assert clocked.began[0, 0] == 5


def test_a_step_that_never_ends_is_cut_when_nothing_else_runs_and_time_is_over() -> None:
    engine = engine_that(answering_at(2), lambda place: 1e9 if place == (0,) else 1)
    answer, seconds = timed(engine, fraction=0.5, deadline=10)
    assert (answer.value, answer.truncated, seconds) == ("7", False, 12)
    assert answer.remark == "no step ended within 10 s: give deadline more"
    branch = branches_of(answer)[0,]
    assert (branch.status, branch.reason) == ("cancelled", "the search ended before it")
    assert engine.aborted == 1


def test_what_a_cut_step_had_said_is_kept_and_counted() -> None:
    async def script(context: Context, sampling: Sampling) -> str:
        return "[0.5] " + ("on " * 500 if place_of(context) == (0,) else "\\boxed{7}")

    engine = FakeEngine(script, seconds_per_token=0.25)
    answer, _ = timed(engine, fraction=0.5, deadline=20)
    cut = branches_of(answer)[0,].answer
    assert cut is not None
    assert cut.text.startswith("[0.5] on on")
    assert cut.truncated
    assert cut.usage.generated_tokens == len(cut.text) < 200
    assert cut.usage.lower_bound


def test_what_is_cut_where_a_deadline_ends_the_search_is_on_the_critical_path() -> None:
    told = {(0,): "[0.5] \\boxed{7}", (1,): "[0.5] on\n\n", (1, 0): "[0.5] " + "on " * 500}
    engine = FakeEngine(lambda context, _: told[place_of(context)], seconds_per_token=0.25)
    answer, _ = timed(engine, width=2, deadline=20)
    branches = branches_of(answer)
    assert [place for place, branch in branches.items() if branch.timed_out] == [(1, 0)]
    # It began when the longer of the first two had ended.
    assert answer.critical_path == len(told[0,]) + branches[1, 0].critical_path
    assert branches[1, 0].critical_path > 20


def test_where_no_step_ends_in_time_there_is_no_answer() -> None:
    engine = engine_that({}, lambda place: 1e9)
    with pytest.raises(NoCandidates, match="no step was taken: no step ended within 5 s") as caught:
        timed(engine, deadline=5)
    assert [branch.status for branch in caught.value.branches] == ["cancelled"] * 4
    assert engine.aborted == 4


def test_no_more_steps_run_at_once_than_the_width() -> None:
    running = most = 0

    async def script(context: Context, sampling: Sampling) -> str:
        nonlocal running, most
        place = place_of(context)
        running += 1
        most = max(most, running)
        await anyio.sleep(1 + sum(place) % 5)
        running -= 1
        return str(answering_at(6)(place))

    timed(FakeEngine(script), fraction=0.5, width=7)
    assert most == 7


places = st.integers(0, 10**6)


@settings(max_examples=40)
@given(
    seed=places,
    width=st.integers(1, 6),
    fraction=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    deadline=st.sampled_from([None, 3.0, 30.0]),
)
def test_whatever_happens_costs_are_the_engines_and_nothing_hangs_or_is_left(
    seed: int, width: int, fraction: float, deadline: float | None
) -> None:
    def luck(place: Place, what: str) -> int:
        return Random(f"{seed} {place} {what}").randrange(100)

    def tell(place: Place) -> Reply:
        if luck(place, "fails") < 15:
            return LOST
        said = f"[{luck(place, 'score') / 100}] {'x' * luck(place, 'length')}"
        return f"{said} \\boxed{{{luck(place, 'value') % 3}}}" if luck(place, "ends") < 30 else said

    engine = engine_that(tell, lambda place: float(luck(place, "seconds")))
    method = search(width=width, fraction=fraction, deadline=deadline, max_depth=5)

    async def main() -> None:
        with anyio.fail_after(10**6):
            with suppress(NoCandidates):
                answer = await solved(method, engine)
                assert len(branches_of(answer)) == len(begun(engine))
        assert (await engine.statistics()).running == 0

    run_virtually(main)


def test_cancelled_between_waves_it_leaves_no_request() -> None:
    engine = engine_that({}, one_slow)

    async def main() -> None:
        question = await converse(engine, [("user", "Why?")], name="root")
        with anyio.move_on_after(5.5) as scope:
            await partial(search(fraction=0.5).solve, question, engine)()
        assert scope.cancelled_caught
        assert (await engine.statistics()).running == 0

    run_virtually(main)
    assert engine.aborted == 4
