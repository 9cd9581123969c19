"""A pool in which replicas fail or are slow, on a virtual clock."""

from __future__ import annotations

import anyio
import pytest

from engines import (
    Delivery,
    EngineDead,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    FakeEngine,
    NotAnEngine,
    Notice,
    Sampling,
)
from engines.replicas import HealthPolicy, ReplicaPool
from engines.wrappers.retry import RetryEngine, RetryPolicy
from tests.backends import run_virtually
from tests.engines.replica_fakes import (
    DELIVERIES,
    SAMPLING,
    Switched,
    ask,
    check_nothing_is_left,
    question,
    questions,
)

DOWN = EngineUnavailable("it is down")


@DELIVERIES
@pytest.mark.parametrize(
    "error", [DOWN, EngineDead("gone"), NotAnEngine("html"), EngineOverloaded("429")], ids=repr
)
def test_a_call_goes_on_where_a_replica_fails(delivery: Delivery, error: EngineError) -> None:
    async def main() -> None:
        engines = [FakeEngine(lambda *_: error), FakeEngine("answer")]
        notices: list[Notice] = []
        async with ReplicaPool(engines, notify=notices.append) as pool:
            outcomes = await ask(pool, questions(8), delivery)
            assert [outcome.value and outcome.value.text for outcome in outcomes] == ["answer"] * 8
            moved = len(engines[0].calls)
            assert moved >= 1
            assert {(n.kind, n.reason) for n in notices} == {
                ("failed-over", f"from replica 0 to 1: {error}")
            }
            assert len(notices) == moved
            assert {n.path for n in notices} <= {f"question-{i}" for i in range(8)}
            # What a replica did before it failed is not known; one that is overloaded did nothing.
            marked = sum(o.value.usage.lower_bound for o in outcomes if o.value)
            assert marked == (0 if isinstance(error, EngineOverloaded) else moved)
            check_nothing_is_left(pool, engines)

    run_virtually(main)


def test_a_stream_that_passed_parts_on_raises() -> None:
    async def main() -> None:
        engines = [FakeEngine("x" * 200, seconds_per_token=0.1) for _ in range(2)]
        async with ReplicaPool(engines) as pool:

            async def read() -> None:
                async with pool.stream(question(), Sampling(max_tokens=200)) as chunks:
                    async for _ in chunks:
                        await next(engine for engine in engines if engine.calls).aclose()

            with pytest.raises(EngineDead):
                await read()
            assert sum(len(engine.calls) for engine in engines) == 1
            assert sorted(s.state for s in pool.replicas()) == ["down", "serving"]
            check_nothing_is_left(pool, engines)

    run_virtually(main)


def test_an_error_of_the_reader_is_no_failure_of_the_replica() -> None:
    async def main() -> None:
        engine = FakeEngine("x" * 200)
        async with ReplicaPool([engine]) as pool:

            async def read() -> None:
                async with pool.stream(question(), SAMPLING) as chunks:
                    async for _ in chunks:
                        raise EngineUnavailable("another engine")

            for _ in range(5):
                with pytest.raises(EngineUnavailable, match="another engine"):
                    await read()
            (status,) = pool.replicas()
            assert (status.state, status.failed) == ("serving", 0)
            check_nothing_is_left(pool, [engine])

    run_virtually(main)


@DELIVERIES
def test_where_all_are_down_a_call_says_what_each_said(delivery: Delivery) -> None:
    async def main() -> None:
        engines = [Switched() for _ in range(3)]
        async with ReplicaPool(engines) as pool:
            pool.drain(2)
            for number, engine in enumerate(engines):
                engine.error = EngineUnavailable(f"no {number}")
            said = r"^no replica answers: replica 0: no 0; replica 1: no 1; replica 2: drained$"
            with pytest.raises(EngineUnavailable, match=said):
                await pool.generate(question(), SAMPLING, delivery)
            assert [len(engine.calls) for engine in engines] == [1, 1, 0]
            for _ in range(2):
                with pytest.raises(EngineUnavailable):
                    await pool.generate(question(), SAMPLING, delivery)
            # Now it fails at once and nobody is asked.
            with pytest.raises(EngineUnavailable, match=r"replica 0: down \(no 0\)") as caught:
                await pool.generate(question(), SAMPLING, delivery)
            assert caught.value.retry_after == 1
            assert [len(engine.calls) for engine in engines] == [3, 3, 0]
            assert anyio.current_time() == 0
            check_nothing_is_left(pool, engines)

    run_virtually(main)


def test_what_is_overloaded_is_spared_as_long_as_it_wants() -> None:
    async def main() -> None:
        engines = [Switched(), Switched()]
        async with ReplicaPool(engines) as pool:
            engines[0].error = EngineOverloaded("429", retry_after=7)
            engines[1].error = EngineOverloaded("429", retry_after=5)
            with pytest.raises(EngineOverloaded) as caught:
                await pool.generate(question(), SAMPLING)
            assert caught.value.retry_after == 5
            assert [status.state for status in pool.replicas()] == ["busy", "busy"]
            engines[0].error = engines[1].error = None
            await anyio.sleep(5)
            await ask(pool, questions(4))
            assert [len(engine.calls) for engine in engines] == [1, 5]
            await anyio.sleep(2)
            await ask(pool, questions(4, "later"))
            assert [len(engine.calls) for engine in engines] == [3, 7]
            assert [status.failed for status in pool.replicas()] == [0, 0]

    run_virtually(main)


def test_what_failed_is_tried_again_with_one_call_and_then_used() -> None:
    async def main() -> None:
        engines = [Switched(), Switched()]
        async with ReplicaPool(engines) as pool:
            engines[0].error = EngineDead("restarting")
            await ask(pool, questions(2))
            assert [status.state for status in pool.replicas()] == ["down", "serving"]
            engines[0].error, before = None, len(engines[0].calls)
            await ask(pool, questions(10))
            assert len(engines[0].calls) == before + 1
            await ask(pool, questions(10, "later"))
            assert len(engines[0].calls) == before + 6
            assert [status.state for status in pool.replicas()] == ["serving", "serving"]

    run_virtually(main)


def test_a_replica_that_is_much_slower_than_its_peers_is_spared_and_comes_back() -> None:
    async def main() -> None:
        engines = [Switched(seconds=4), Switched(), Switched()]
        health = HealthPolicy(slow_cool_down_seconds=30)
        async with ReplicaPool(engines, health=health) as pool:
            for _ in range(12):
                await ask(pool, questions(3))
            assert [status.state for status in pool.replicas()] == ["slow", "serving", "serving"]
            before = len(engines[0].calls)
            assert before == 8
            await ask(pool, questions(12))
            assert len(engines[0].calls) == before
            # Better slow than nothing.
            pool.drain(1)
            pool.drain(2)
            await ask(pool, questions(1))
            assert len(engines[0].calls) == before + 1
            pool.undrain(1)
            pool.undrain(2)
            for seconds, states in ((4, "slow"), (1, "serving")):
                engines[0].seconds = seconds
                await anyio.sleep(60)
                await ask(pool, questions(6))
                assert pool.replicas()[0].state == states
            assert len(engines[0].calls) == before + 3

    run_virtually(main)


def test_retries_outlast_an_outage_of_all_replicas() -> None:
    async def main() -> None:
        engines = [Switched(seconds=5), Switched(seconds=5)]
        async with ReplicaPool(engines) as pool, anyio.create_task_group() as group:

            async def outage() -> None:
                await anyio.sleep(7)
                for engine in engines:
                    engine.error = DOWN
                await anyio.sleep(20)
                for engine in engines:
                    engine.error = None

            group.start_soon(outage)
            engine = RetryEngine(pool, RetryPolicy(attempts=8))
            for number in range(4):
                outcomes = await ask(engine, questions(20, f"round-{number}"))
                assert all(outcome.usable for outcome in outcomes)
            assert [status.state for status in pool.replicas()] == ["serving", "serving"]

    run_virtually(main)


def test_what_is_being_probed_is_better_than_nothing() -> None:
    async def main() -> None:
        engine = Switched(seconds=60)
        async with ReplicaPool([engine]) as pool:
            engine.error = EngineDead("restarting")
            await ask(pool, questions(1))
            assert not (await ask(pool, questions(1)))[0].usable
            engine.error = None
            await anyio.sleep(1)
            outcomes = await ask(pool, questions(10))
            assert all(outcome.usable for outcome in outcomes)
            assert [status.state for status in pool.replicas()] == ["serving"]

    run_virtually(main)


@DELIVERIES
def test_closing_it_ends_what_runs(delivery: Delivery) -> None:
    async def main() -> None:
        engines = [FakeEngine("x" * 50, seconds_per_token=1) for _ in range(2)]
        pool = ReplicaPool(engines)
        async with anyio.create_task_group() as group:

            async def run() -> None:
                with pytest.raises(EngineDead, match="the engine is closed"):
                    await pool.generate(question(), SAMPLING, delivery)

            group.start_soon(run)
            await anyio.sleep(20)
            await pool.aclose()
        check_nothing_is_left(pool, engines)

    run_virtually(main)
