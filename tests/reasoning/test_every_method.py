"""The rules that every method keeps, alone and inside others: see docs/architecture.md."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import FakeEngine, ForkjoinError, Sampling
from reasoning import Answer
from tests.backends import run_virtually
from tests.reasoning import method_rules
from tests.reasoning.method_rules import (
    Build,
    essence,
    every_method,
    goes_by_time,
    moody_engine,
    solved,
)

# Beyond any time that a method takes; virtual.
NEVER = 10**7

every = pytest.mark.parametrize("build", every_method().values(), ids=every_method())
a_few = settings(max_examples=5)
moods = seeds = st.integers(0, 10**6)


compares_at_sight = pytest.fixture(autouse=True, scope="module")(method_rules.comparing_at_sight)


@every
@a_few
@given(seeds, moods, moods, st.booleans())
def test_the_same_seeds_give_the_same_answer_in_any_completion_order(
    build: Build, seed: int, first: int, second: int, text_only: bool
) -> None:
    def told(mood: int) -> object:
        async def main() -> object:
            try:
                engine = moody_engine(mood, text_only=text_only)
                return essence(await solved(build, engine, seed))
            except ForkjoinError as error:
                return str(error)

        return run_virtually(main)

    assert told(first) == told(first if goes_by_time(build(Sampling())) else second)


@every
@a_few
@given(seeds, moods, st.booleans(), st.booleans())
def test_an_answer_costs_what_the_engine_counts_and_nothing_hangs_or_is_left(
    build: Build, seed: int, mood: int, failing: bool, text_only: bool
) -> None:
    async def main() -> None:
        engine = moody_engine(mood, failing=failing, text_only=text_only)
        answer = None
        with anyio.fail_after(NEVER):
            try:
                answer = await solved(build, engine, seed)
            except ForkjoinError:
                assert failing or text_only
        statistics = await engine.statistics()
        assert statistics.running == 0
        if answer is not None:
            assert answer.usage.prompt_tokens == statistics.prompt_tokens
            assert answer.usage.generated_tokens == statistics.generated_tokens
            assert_paths_fit(answer)
        assert_told_apart(engine)

    run_virtually(main)


@every
@a_few
@given(seeds, moods, st.integers(0, 2000), st.booleans())
def test_a_method_that_is_cancelled_leaves_no_request(
    build: Build, seed: int, mood: int, seconds: int, failing: bool
) -> None:
    async def main() -> None:
        engine = moody_engine(mood, failing=failing)
        with anyio.move_on_after(seconds):
            try:
                await solved(build, engine, seed)
            except ForkjoinError:
                assert failing
        assert anyio.current_time() <= seconds
        assert (await engine.statistics()).running == 0

    run_virtually(main)


@every
def test_a_window_without_room_is_told_by_an_answer_or_an_error_of_ours(build: Build) -> None:
    async def main() -> None:
        for window in range(150, 1000, 85):
            engine = moody_engine(window, window=window)
            with anyio.fail_after(NEVER):
                try:
                    answer = await solved(build, engine, seed=window)
                except ForkjoinError:
                    continue
            statistics = await engine.statistics()
            assert answer.usage.generated_tokens == statistics.generated_tokens
            assert answer.usage.prompt_tokens == statistics.prompt_tokens

    run_virtually(main)


def assert_paths_fit(answer: Answer) -> None:
    """No chain is longer than all there is, in every answer of the tree."""
    assert 0 <= answer.critical_path <= answer.usage.generated_tokens
    for branch in answer.branches:
        if branch.answer is not None:
            assert_paths_fit(branch.answer)


def assert_told_apart(engine: FakeEngine) -> None:
    """No two calls have one path, so that each has a seed and a place in a journal of its own."""
    paths = [call.context.path for call in engine.calls]
    assert sorted(set(paths)) == sorted(paths)
