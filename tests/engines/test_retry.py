from __future__ import annotations

import math
from random import Random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    STREAMED,
    BudgetExhausted,
    CallTimedOut,
    EngineDead,
    EngineOverloaded,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Notice,
    RequestRejected,
    Sampling,
    UsageError,
)
from engines.wrappers.retry import RetryEngine, RetryPolicy, delay_before_retry
from engines.wrappers.watch import WatchedEngine
from tests import backends
from tests.backends import run_virtually
from tests.engines.wrapping import Breaking, cancelled_after, left_in, prompt, text_of

anyio_backend = backends.virtual_backend

UNAVAILABLE = EngineUnavailable("nothing answers")
AT_ONCE = RetryPolicy(first_delay=0)
FINAL = [
    RequestRejected("no"),
    EngineDead("gone"),
    BudgetExhausted("tokens", 1, 1, "here"),
]


@given(st.integers(1, 10_000), st.floats(0, 10), st.floats(0, 100), st.integers())
def test_a_delay_is_drawn_from_a_range_that_doubles_up_to_the_longest(
    failed: int, first: float, longest: float, seed: int
) -> None:
    policy = RetryPolicy(attempts=10_001, first_delay=first, longest_delay=longest)
    delay = delay_before_retry(policy, failed, UNAVAILABLE, Random(seed))
    assert delay is not None
    assert 0 <= delay <= longest
    assert failed > 60 or delay <= first * 2 ** (failed - 1)


def test_delays_use_the_whole_range() -> None:
    random = Random(1)
    policy = RetryPolicy()
    third = [delay_before_retry(policy, 3, UNAVAILABLE, random) or 0 for _ in range(300)]
    assert min(third) < 0.1
    assert 1.9 < max(third) <= 2


@given(st.floats(0, 300), st.integers(1, 4), st.integers())
def test_nobody_comes_back_before_the_engine_wants_it(asked: float, failed: int, seed: int) -> None:
    error = EngineOverloaded("busy", retry_after=asked)
    delay = delay_before_retry(RetryPolicy(), failed, error, Random(seed))
    assert delay is not None
    assert asked <= delay <= asked + 4


@pytest.mark.parametrize(
    ("failed", "error"),
    [(1, error) for error in FINAL]
    + [(1, EngineOverloaded("busy", retry_after=301)), (5, UNAVAILABLE)],
)
def test_some_errors_are_final(failed: int, error: ForkjoinError) -> None:
    assert delay_before_retry(RetryPolicy(), failed, error, Random(1)) is None


def test_an_engine_that_does_not_say_when_is_asked_like_any_other() -> None:
    delay = delay_before_retry(RetryPolicy(), 1, EngineOverloaded("busy"), Random(1))
    assert delay is not None
    assert delay <= 0.5


@pytest.mark.anyio
async def test_a_call_is_repeated_until_it_succeeds_and_each_time_is_told() -> None:
    engine = FakeEngine([UNAVAILABLE, CallTimedOut("late"), "done"])
    notices: list[Notice] = []
    assert await text_of(RetryEngine(engine, AT_ONCE, notices.append), "leaf") == "done"
    assert [(n.kind, n.path, n.reason) for n in notices] == [
        ("retried", "leaf", "attempt 1 of 5: nothing answers"),
        ("retried", "leaf", "attempt 2 of 5: late"),
    ]
    assert len({(id(call.context), call.sampling, call.delivery) for call in engine.calls}) == 1


@pytest.mark.anyio
async def test_the_last_error_is_raised() -> None:
    engine = FakeEngine([UNAVAILABLE, EngineUnavailable("still nothing")])
    with pytest.raises(EngineUnavailable, match="still nothing"):
        await text_of(RetryEngine(engine, RetryPolicy(attempts=2, first_delay=0)))


@pytest.mark.anyio
@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
async def test_final_errors_are_not_repeated(error: ForkjoinError) -> None:
    engine = FakeEngine([error])
    with pytest.raises(type(error)):
        await text_of(RetryEngine(engine, AT_ONCE))


def test_the_wait_is_as_long_as_the_policy_says() -> None:
    async def main() -> float:
        engine = FakeEngine([EngineOverloaded("busy", retry_after=200), UNAVAILABLE, "done"])
        await text_of(RetryEngine(engine, random=Random(3)))
        return anyio.current_time()

    random = Random(3)
    assert run_virtually(main) == pytest.approx(200 + random.uniform(0, 0.5) + random.uniform(0, 1))


@pytest.mark.anyio
@pytest.mark.parametrize("broken_after", [0, 1, 2])
async def test_a_call_that_is_read_whole_is_repeated_wherever_it_broke(broken_after: int) -> None:
    inner = FakeEngine("a long reply", chunk_tokens=4)
    told: list[int] = []
    watched = WatchedEngine(Breaking(inner, broken_after), lambda _, new, text: told.append(new))
    assert await text_of(RetryEngine(watched, AT_ONCE)) == "a long reply"
    assert sum(told) == 4 * broken_after + len("a long reply")
    assert inner.aborted == 1
    assert await left_in(inner) == 0


@pytest.mark.anyio
async def test_a_stream_is_repeated_until_its_first_chunk_only() -> None:
    engine = RetryEngine(Breaking(FakeEngine("a long reply", chunk_tokens=4), 0, 2, 0), AT_ONCE)
    texts: list[str] = []

    async def read() -> None:
        async with engine.stream(prompt(), Sampling(), STREAMED) as chunks:
            async for chunk in chunks:
                texts.append(chunk.text)

    with pytest.raises(EngineUnavailable, match="broke off"):
        await read()
    assert texts == ["a lo", "ng r"]


@pytest.mark.anyio
async def test_a_stream_that_works_is_passed_on_chunk_by_chunk() -> None:
    inner = FakeEngine("a long reply", chunk_tokens=4)
    async with RetryEngine(inner).stream(prompt(), Sampling()) as chunks:
        assert [chunk.text async for chunk in chunks] == ["a lo", "ng r", "eply"]
    assert inner.aborted == 0


@pytest.mark.anyio
async def test_an_error_of_the_reader_is_no_reason_to_repeat() -> None:
    inner = FakeEngine("a long reply", chunk_tokens=4)

    async def read() -> None:
        async with RetryEngine(inner, AT_ONCE).stream(prompt(), Sampling()) as chunks:
            async for _ in chunks:
                raise EngineUnavailable("mine")

    with pytest.raises(EngineUnavailable, match="mine"):
        await read()
    assert len(inner.calls) == inner.aborted == 1


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.5])
def test_cancelling_leaves_nothing_behind(seconds: float) -> None:
    async def main() -> tuple[int, int]:
        inner = FakeEngine("reply", latency=1.2)
        engine = RetryEngine(
            Breaking(inner, 0, error=EngineOverloaded("busy", retry_after=0.7)),
            RetryPolicy(first_delay=0),
        )
        await cancelled_after(seconds, engine)
        await anyio.sleep(10)
        return await left_in(inner), len(inner.calls)

    assert run_virtually(main) == (0, 1 if seconds < 0.7 else 2)


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_policy_without_a_try_is_refused(attempts: int) -> None:
    with pytest.raises(UsageError, match="give at least 1"):
        RetryPolicy(attempts=attempts)


def test_a_thousand_calls_that_failed_together_do_not_come_back_together() -> None:
    async def main() -> list[float]:
        begun: list[float] = []

        def script(context: object, sampling: object) -> str | ForkjoinError:
            begun.append(anyio.current_time())
            return UNAVAILABLE if len(begun) <= 1000 else "done"

        engine = RetryEngine(FakeEngine(script), RetryPolicy(first_delay=10), random=Random(1))
        async with anyio.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(text_of, engine)
        return begun[1000:]

    seconds = [math.floor(time) for time in run_virtually(main)]
    assert max(seconds.count(second) for second in range(10)) < 150
