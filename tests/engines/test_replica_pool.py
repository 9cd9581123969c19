"""Where a pool sends calls and questions, and what it says of its replicas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import anyio
import pytest

from engines import (
    STREAMED,
    CallTimedOut,
    Context,
    Delivery,
    EngineDead,
    EngineStatistics,
    EngineUnavailable,
    FakeEngine,
    RequestRejected,
    Role,
    Sampling,
    Segment,
    UsageError,
    converse,
    join,
)
from engines.replicas import ReplicaPool
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

SAMPLING = Sampling(max_tokens=100)


def question(text: str = "?" * 100) -> Context:
    return Context(Segment("user", text, tuple(map(ord, text))), name="question")


def served(engines: Sequence[FakeEngine]) -> list[int]:
    return [len(engine.calls) for engine in engines]


async def test_branches_go_where_their_prompt_is_cached() -> None:
    engines = [FakeEngine(), FakeEngine(), FakeEngine()]
    async with ReplicaPool(engines) as pool:
        root = question("?" * 1000)
        for number in range(9):
            await pool.generate(root.fork(f"{number}"), SAMPLING)
        assert sorted(served(engines)) == [0, 0, 9]
        status = max(pool.replicas(), key=lambda status: status.served)
        assert (status.served, status.in_flight, status.load) == (9, 0, 0)
        assert 0.8 < status.cached_share < 0.9


async def test_a_limit_is_no_length() -> None:
    """With limits a hundred times the length, the forks of a prompt still stay together."""
    engines = [FakeEngine("x" * 30, latency=0.01) for _ in range(4)]
    async with ReplicaPool(engines) as pool:
        sampling = Sampling(max_tokens=3000)
        for number in range(60):
            await pool.generate(question(f"{number}"), sampling)
        root = question("?" * 2000)
        before = served(engines)
        await join([partial(pool.generate, root.fork(f"{n}"), sampling) for n in range(8)])
        after = served(engines)
    assert sorted(a - b for a, b in zip(after, before, strict=True)) == [0, 0, 0, 8]


async def test_a_turn_goes_on_where_the_one_before_was_generated() -> None:
    engines = [FakeEngine("long " * 50), FakeEngine("long " * 50)]
    async with ReplicaPool(engines) as pool:
        for delivery in (STREAMED, Delivery(whole=True)):
            answer = await pool.generate(
                question(f"{delivery}"), Sampling(max_tokens=400), delivery
            )
            following = await pool.generate(answer.context, SAMPLING)
            assert (following.usage.cached_tokens or 0) >= 240


async def test_calls_that_come_together_are_placed_the_longest_first() -> None:
    engines = [FakeEngine(latency=1), FakeEngine(latency=1)]
    lengths = [1000, 1000, 1000, 3000]
    async with ReplicaPool(engines) as pool:
        calls = [
            partial(
                pool.generate,
                question(f"{number}" * 8),
                SAMPLING,
                Delivery(whole=True, expected_tokens=length),
            )
            for number, length in enumerate(lengths)
        ]
        await join(calls)
    expected = [[call.delivery.expected_tokens for call in engine.calls] for engine in engines]
    assert sorted(map(len, expected)) == [1, 3]


async def test_a_cancelled_arrival_is_not_placed() -> None:
    engine = FakeEngine()
    async with ReplicaPool([engine]) as pool:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.generate(question(), SAMPLING)
        await pool.generate(question(), SAMPLING)
        (status,) = pool.replicas()
    assert len(engine.calls) == 1
    assert (status.in_flight, status.load) == (0, 0)


async def test_a_call_that_is_cancelled_when_it_was_just_placed_leaves_nothing() -> None:
    scopes = {"a": anyio.CancelScope(), "b": anyio.CancelScope()}

    def cancel_the_other(context: Context, sampling: Sampling) -> str:
        scopes["a" if context.path == "b" else "b"].cancel()
        return "answer"

    engine = FakeEngine(cancel_the_other)
    async with ReplicaPool([engine]) as pool:

        async def ask(name: str) -> None:
            with scopes[name]:
                await pool.generate(Context(Segment("user", name, (1,)), name=name), SAMPLING)

        async with anyio.create_task_group() as group:
            group.start_soon(ask, "a")
            group.start_soon(ask, "b")
        (status,) = pool.replicas()
    assert (len(engine.calls), status.served) == (1, 1)
    assert (status.in_flight, status.load) == (0, 0)


async def test_the_second_try_of_a_hedge_goes_to_another_replica() -> None:
    engines = [FakeEngine(latency=0.05), FakeEngine(latency=0.05)]
    async with ReplicaPool(engines) as pool:
        await join([partial(pool.generate, question("?" * 5000), SAMPLING)] * 2)
    assert served(engines) == [1, 1]


class Encoder(FakeEngine):
    """Counts what it is asked beside calls."""

    encoded = 0
    counted = 0

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        self.encoded += 1
        return await super().encode(text, role=role, after=after)

    async def statistics(self) -> EngineStatistics:
        self.counted += 1
        return await super().statistics()


async def test_a_drained_replica_gets_no_calls_until_it_is_back() -> None:
    engines = [Encoder(), Encoder()]
    async with ReplicaPool(engines) as pool:
        pool.drain(0)
        for number in range(4):
            await pool.generate(question(f"{number}"), SAMPLING)
            await pool.encode("text", role="user")
        assert (engines[0].encoded, engines[1].encoded) == (0, 4)
        assert served(engines) == [0, 4]
        assert [status.state for status in pool.replicas()] == ["drained", "serving"]
        pool.undrain(0)
        pool.drain(1)
        await pool.generate(question(), SAMPLING)
        assert served(engines) == [1, 4]
        pool.drain(0)
        with pytest.raises(EngineUnavailable, match="replica 0: drained; replica 1: drained"):
            await pool.generate(question(), SAMPLING)


async def test_there_is_no_replica_beyond_the_last() -> None:
    pool = ReplicaPool([FakeEngine(), FakeEngine()])
    for number in (-1, 2):
        with pytest.raises(UsageError, match="the pool has 0 to 1"):
            pool.drain(number)


async def test_draining_lets_calls_end() -> None:
    engine = FakeEngine("done", latency=0.05)
    async with ReplicaPool([engine, FakeEngine("done", latency=0.05)]) as pool:
        async with anyio.create_task_group() as group:
            group.start_soon(pool.generate, question(), SAMPLING)
            await anyio.sleep(0.01)
            pool.drain(0)
            pool.drain(1)
        assert sum(status.served for status in pool.replicas()) == 1


async def test_statistics_are_the_sums() -> None:
    engines = [FakeEngine("12345"), FakeEngine("12345")]
    async with ReplicaPool(engines) as pool:
        for number in range(4):
            await pool.generate(question(f"{number}" * 10), SAMPLING)
        pool.drain(0)
        await pool.generate(question("0" * 10), SAMPLING)
        statistics = await pool.statistics()
    assert (statistics.running, statistics.waiting) == (0, 0)
    assert (statistics.prompt_tokens, statistics.generated_tokens) == (50, 25)


class Mute(FakeEngine):
    """Answers nothing but calls, after some time."""

    async def encode(self, *_: object, **__: object) -> Segment:
        await anyio.sleep(math.inf)
        raise AssertionError

    async def decode(self, token_ids: Sequence[int]) -> str:
        await anyio.sleep(math.inf)
        raise AssertionError

    async def statistics(self, *_: object) -> None:  # type: ignore[override] # it never returns
        await anyio.sleep(math.inf)


def test_encoding_goes_on_elsewhere_where_a_replica_is_silent() -> None:
    async def main() -> list[float]:
        times = []
        async with ReplicaPool([Mute(), FakeEngine()], stall_seconds=4) as pool:
            for _ in range(10):
                start = anyio.current_time()
                context = await converse(pool, [("user", "hello")])
                assert await pool.decode(context.token_ids) == "<|user|>hello"
                times.append(anyio.current_time() - start)
        return times

    times = run_virtually(main)
    # After three failures nobody asks it any more.
    assert sum(time == 4 for time in times) == 3
    assert set(times) == {0, 4}


def test_statistics_do_not_wait_for_a_silent_replica() -> None:
    async def main() -> None:
        async with ReplicaPool([Mute(), FakeEngine("12345")]) as pool:
            pool.drain(0)
            await pool.generate(question(), SAMPLING)
            with anyio.fail_after(6):
                assert (await pool.statistics()).generated_tokens == 5

    run_virtually(main)


async def test_statistics_keep_the_counts_of_a_replica_that_is_down() -> None:
    engines = [Encoder("12345"), Encoder("12345")]
    async with ReplicaPool(engines) as pool:
        for number in range(4):
            await pool.generate(question(f"{number}" * 10), SAMPLING)
        assert (await pool.statistics()).generated_tokens == 20
        await engines[0].aclose()
        pool.drain(1)
        with pytest.raises(EngineUnavailable):
            await pool.generate(question(), SAMPLING)
        assert (await pool.statistics()).generated_tokens == 20
        assert [engine.counted for engine in engines] == [1, 2]


async def test_who_asks_for_statistics_at_the_same_time_is_told_the_same() -> None:
    class Busy(FakeEngine):
        asked = 0

        async def statistics(self) -> EngineStatistics:
            self.asked += 1
            # Whoever asks later is answered earlier.
            await anyio.sleep(0.05 / self.asked)
            return EngineStatistics(
                running=10, waiting=1, kv_usage=0.5, prompt_tokens=0, generated_tokens=0
            )

    async with ReplicaPool([Busy(), Busy()]) as pool:
        outcomes = await join([pool.statistics] * 3)
    assert [(one.value.running, one.value.kv_usage) for one in outcomes if one.value] == [
        (20, 0.5)
    ] * 3


async def test_a_replica_that_cannot_be_closed_leaves_the_others_to_be() -> None:
    closed = []

    class Slow(FakeEngine):
        async def aclose(self) -> None:
            await anyio.sleep(0.02)
            closed.append(self)

    class Stuck(FakeEngine):
        async def aclose(self) -> None:
            raise OSError("no")

    slow = Slow()
    with pytest.raises(OSError, match="no"):
        await ReplicaPool([Stuck(), slow]).aclose()
    assert closed == [slow]


async def test_what_is_asked_of_a_pool_that_is_closed_meanwhile_fails_with_it() -> None:
    class Waiting(FakeEngine):
        async def encode(self, *_: object, **__: object) -> Segment:
            await pool.aclose()
            raise EngineDead("closed")

    pool = ReplicaPool([Waiting(), Waiting()])
    with pytest.raises(EngineDead):
        await pool.encode("text", role="user")


async def test_a_text_that_no_replica_encodes_says_what_each_said() -> None:
    class Broken(FakeEngine):
        async def encode(self, *_: object, **__: object) -> Segment:
            raise CallTimedOut("too slow")

    said = "replica 0: too slow; replica 1: too slow; replica 2: drained"
    async with ReplicaPool([Broken(), Broken(), FakeEngine()]) as pool:
        pool.drain(2)
        with pytest.raises(EngineUnavailable, match=said):
            await pool.encode("text", role="user")


async def test_a_refused_request_is_refused_by_the_first_replica_for_all() -> None:
    engines = [FakeEngine([RequestRejected("no")]), FakeEngine([RequestRejected("no")])]
    async with ReplicaPool(engines) as pool:
        with pytest.raises(RequestRejected):
            await pool.generate(question(), SAMPLING)
        assert sorted(served(engines)) == [0, 1]
        assert [status.failed for status in pool.replicas()] == [0, 0]


async def test_a_closed_pool_is_dead() -> None:
    pool = ReplicaPool([FakeEngine()])
    await pool.aclose()
    await pool.aclose()
    with pytest.raises(EngineDead, match="pool is closed"):
        await pool.encode("text", role="user")
