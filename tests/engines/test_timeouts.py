from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import anyio
import pytest
from anyio.abc import TaskGroup

from engines import (
    STREAMED,
    WHOLE,
    CallTimedOut,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    Notice,
    Sampling,
    Usage,
    UsageError,
)
from engines.wrappers.hedge import HedgeEngine
from engines.wrappers.peers import HedgePolicy, Peers
from engines.wrappers.retry import RetryEngine, RetryPolicy
from engines.wrappers.timeout import TimeoutEngine
from tests.backends import run_virtually
from tests.engines.wrapping import (
    Breaking,
    Stalling,
    cancelled_after,
    left_in,
    prompt,
    text_of,
)

REPLY = "x" * 64
DELIVERIES = [STREAMED, WHOLE]


def slow(latency: float = 0, seconds_per_token: float = 0) -> FakeEngine:
    """Sends 64 tokens, 16 at a time."""
    return FakeEngine(REPLY, latency=latency, seconds_per_token=seconds_per_token)


async def read(engine: Engine, delivery: Delivery, pause: float = 0) -> list[Chunk]:
    """The chunks of a call, read by somebody who pauses before and after each."""
    found = []
    async with engine.stream(prompt(), Sampling(), delivery) as chunks:
        await anyio.sleep(pause)
        async for chunk in chunks:
            found.append(chunk)
            await anyio.sleep(pause)
    return found


def timed_out(engine: Engine, inner: FakeEngine, delivery: Delivery) -> tuple[float, str]:
    """When a call times out, and what is said. Nothing of it is left."""

    async def main() -> tuple[float, str]:
        with pytest.raises(CallTimedOut) as caught:
            await read(engine, delivery)
        assert await left_in(inner) == 0
        assert inner.aborted == 1
        return anyio.current_time(), str(caught.value).partition("):")[0]

    return run_virtually(main)


def test_a_call_is_aborted_after_its_time_with_what_it_had() -> None:
    inner = slow(seconds_per_token=1)
    late = timed_out(TimeoutEngine(inner, total=50), inner, STREAMED)
    assert late == (50, "the call took more than 50 s (tokens received: 48")
    inner = slow(latency=100)
    late = timed_out(TimeoutEngine(inner, total=50), inner, WHOLE)
    assert late == (50, "the call took more than 50 s (tokens received: 0")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_call_that_goes_silent_is_aborted_with_what_it_had(delivery: Delivery) -> None:
    inner = slow(seconds_per_token=1)
    late = timed_out(TimeoutEngine(Stalling(inner, 2), idle=20), inner, delivery)
    assert late == (52, "no token came for 20 s (tokens received: 32")


def test_the_wait_for_the_first_token_counts_too() -> None:
    inner = slow(latency=21)
    late = timed_out(TimeoutEngine(inner, total=50, idle=20), inner, WHOLE)
    assert late == (20, "no token came for 20 s (tokens received: 0")


def test_the_limit_that_is_reached_first_counts() -> None:
    inner = slow(seconds_per_token=1)
    late = timed_out(TimeoutEngine(inner, total=50, idle=20), inner, WHOLE)
    assert late == (50, "the call took more than 50 s (tokens received: 48")


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize(("total", "idle"), [(None, None), (65, None), (None, 17), (65, 17)])
def test_a_call_in_time_is_what_it_would_be_without_a_limit(
    delivery: Delivery, total: float | None, idle: float | None
) -> None:
    async def main() -> None:
        inner = slow(seconds_per_token=1)
        timed = await read(TimeoutEngine(inner, total=total, idle=idle), delivery)
        assert timed == await read(slow(seconds_per_token=1), delivery)
        assert inner.aborted == 0

    run_virtually(main)


@pytest.mark.parametrize(
    ("idle", "asked", "inside"),
    [
        (None, WHOLE, WHOLE),
        (9, WHOLE, Delivery(interval=16)),
        (9, Delivery(whole=True, interval=40, priority=3), Delivery(interval=40, priority=3)),
        (9, STREAMED, STREAMED),
        (9, Delivery(durable=True, interval=2), Delivery(durable=True, interval=2)),
    ],
)
def test_parts_are_asked_for_only_where_they_are_needed(
    idle: float | None, asked: Delivery, inside: Delivery
) -> None:
    inner = slow()
    run_virtually(lambda: read(TimeoutEngine(inner, total=9, idle=idle), asked))
    assert [call.delivery for call in inner.calls] == [inside]


def test_the_time_that_the_reader_takes_does_not_count_and_it_is_not_interrupted() -> None:
    async def main() -> float:
        engine = TimeoutEngine(slow(seconds_per_token=1), total=65, idle=17)
        assert len(await read(engine, STREAMED, pause=1000)) == 4
        return anyio.current_time()

    assert run_virtually(main) == 5064


class Entering(EngineWrapper):
    """Takes its time before a stream begins."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        await anyio.sleep(12)
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield chunks


def test_entering_and_waiting_for_the_first_token_are_one_silence() -> None:
    inner = slow(latency=9)
    late = timed_out(TimeoutEngine(Entering(inner), idle=20), inner, STREAMED)
    assert late == (20, "no token came for 20 s (tokens received: 0")


def test_after_the_first_token_all_of_the_silence_is_allowed_again() -> None:
    # 12 s, 7 s and a second a token until the first 16 are there, then 16 s for each 16.
    engine = TimeoutEngine(Entering(slow(latency=7, seconds_per_token=1)), idle=36)
    assert len(run_virtually(lambda: read(engine, STREAMED, pause=100))) == 4


class Given(EngineWrapper):
    """Sends a chunk as soon as it is there, without giving others a turn before."""

    def __init__(self, given: anyio.Event) -> None:
        super().__init__(FakeEngine())
        self._given = given

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async def chunks() -> AsyncGenerator[Chunk]:
            await self._given.wait()
            yield Chunk(text="a", token_ids=(97,), usage=Usage(generated_tokens=1))

        async with aclosing(chunks()) as passing:
            yield passing


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("in_next_round", [False, True])
def test_a_deadline_that_passed_while_the_loop_was_blocked_does_not_interrupt_the_reader(
    backend: str, in_next_round: bool
) -> None:
    """The chunk and the deadline come together, in one order or the other."""

    async def give(given: anyio.Event) -> None:
        given.set()

    async def block(group: TaskGroup, given: anyio.Event) -> None:
        await anyio.sleep(0.01)
        if in_next_round:
            group.start_soon(give, given)
        else:
            given.set()
        time.sleep(0.05)  # noqa: ASYNC251 -- this is what blocks the loop

    async def main() -> bool:
        interrupted, given = False, anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(block, group, given)
            with suppress(CallTimedOut):
                async with TimeoutEngine(Given(given), idle=0.03).stream(
                    prompt(), Sampling()
                ) as chunks:
                    async for _ in chunks:
                        try:
                            await anyio.sleep(0.001)
                        except anyio.get_cancelled_exc_class():
                            interrupted = True
                            raise
        return interrupted

    assert not anyio.run(main, backend=backend)


def test_an_error_of_the_engine_passes_through() -> None:
    engine = TimeoutEngine(Breaking(slow(), 1), total=9, idle=9)
    with pytest.raises(EngineUnavailable, match="broke off"):
        run_virtually(lambda: read(engine, WHOLE))


@pytest.mark.parametrize("seconds", [5, 40])
def test_who_cancels_is_not_told_of_a_timeout(seconds: float) -> None:
    async def main() -> int:
        inner = slow(latency=10, seconds_per_token=1)
        await cancelled_after(seconds, TimeoutEngine(inner, total=60, idle=30))
        return await left_in(inner)

    assert run_virtually(main) == 0


def test_a_call_that_times_out_can_be_repeated_and_hedged() -> None:
    """Scopes and task groups of several wrappers lie within each other, whatever their order."""

    async def main(notices: list[Notice]) -> str:
        inner = Stalling(slow(seconds_per_token=1), *[None] * 8, 0, 0)
        peers = Peers(HedgePolicy())
        timed = TimeoutEngine(HedgeEngine(inner, peers, notices.append), total=150)
        engine = RetryEngine(timed, RetryPolicy(first_delay=0), notices.append)
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(text_of, engine)
        return await text_of(TimeoutEngine(engine, total=1000))

    notices: list[Notice] = []
    assert run_virtually(lambda: main(notices)) == REPLY
    assert [notice.kind for notice in notices] == ["hedged", "retried"]


@pytest.mark.parametrize("limits", [{"total": 0}, {"idle": -1}, {"total": float("nan")}])
def test_a_limit_that_lets_no_call_end_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="give more"):
        TimeoutEngine(FakeEngine(), **limits)
