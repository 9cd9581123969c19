"""A pool in which replicas accept calls and then say nothing, on a virtual clock."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    EngineDead,
    EngineUnavailable,
    FakeCall,
    FakeEngine,
    ForkjoinError,
    Notice,
    Sampling,
    Usage,
)
from engines.replicas import ReplicaPool
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


@DELIVERIES
def test_a_call_moves_from_a_replica_that_fell_silent(delivery: Delivery) -> None:
    async def main() -> None:
        engines = [Switched(seconds=math.inf), Switched(), Switched()]
        notices: list[Notice] = []
        async with ReplicaPool(engines, stall_seconds=10, notify=notices.append) as pool:
            outcomes = await ask(pool, questions(30), delivery)
            assert all(outcome.usable for outcome in outcomes)
            assert anyio.current_time() == 11
            assert len(engines[0].calls) == engines[0].aborted == 10
            assert [n.reason[:18] for n in notices] == ["from replica 0 to "] * 10
            assert {n.reason.partition(": ")[2] for n in notices} == {"it sent nothing for 10 s"}
            assert [status.state for status in pool.replicas()] == ["down", "serving", "serving"]
            check_nothing_is_left(pool, engines)

    run_virtually(main)


def test_peers_that_take_long_give_time() -> None:
    async def main() -> None:
        engines = [Switched(seconds=190), Switched(seconds=40)]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(2))
            assert [len(engine.calls) for engine in engines] == [1, 1]
            engines[0].seconds = 210
            await ask(pool, questions(2))
            # Five times the 40 s of its peer.
            assert [len(engine.calls) for engine in engines] == [2, 3]

    run_virtually(main)


def test_the_first_answer_counts_also_where_it_comes_from_the_silent_replica() -> None:
    async def main() -> None:
        slow, other = Switched("slow" * 5, seconds=1), Switched("fast" * 5, seconds=1)
        async with ReplicaPool([slow, other], stall_seconds=10) as pool:
            await ask(pool, questions(2))
            slow.seconds, other.seconds = 14, 30
            completion = await pool.generate(question("question-0"), SAMPLING)
            first, second = (slow, other) if len(slow.calls) == 2 else (other, slow)
            assert completion.text == first.answer
            assert completion.usage.lower_bound
            assert (first.aborted, second.aborted) == (0, 1)
            check_nothing_is_left(pool, [slow, other])

    run_virtually(main)


def test_a_call_that_takes_long_on_a_replica_that_answers_others_stays() -> None:
    async def main() -> None:
        async def answer(context: Context, sampling: Sampling) -> str:
            await anyio.sleep(60 if context.path == "long" else 1)
            return "x" * 20

        engines = [FakeEngine(answer), FakeEngine(answer)]
        async with (
            ReplicaPool(engines, stall_seconds=10) as pool,
            anyio.create_task_group() as group,
        ):
            group.start_soon(pool.generate, question("long"), SAMPLING)
            for _ in range(70):
                await ask(pool, questions(4))
        assert sum(engine.aborted for engine in engines) == 0
        assert sum(status.failed for status in pool.replicas()) == 0

    run_virtually(main)


def test_where_all_are_silent_the_work_takes_long() -> None:
    async def main() -> None:
        engines = [Switched(), Switched(), Switched()]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(6))
            for engine in engines:
                engine.seconds = 400
            outcomes = await ask(pool, questions(12, "long"))
            assert all(outcome.usable for outcome in outcomes)
            assert sum(len(engine.calls) for engine in engines) == 6 + 12
            assert {status.state for status in pool.replicas()} == {"serving"}

    run_virtually(main)


def test_once_a_replica_is_found_to_be_silent_its_other_calls_move_too() -> None:
    async def main() -> None:
        engines = [Switched(), Switched()]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(2))
            engines[0].seconds = math.inf
            async with anyio.create_task_group() as group:
                group.start_soon(ask, pool, questions(12, "early"))
                await anyio.sleep(9)
                group.start_soon(ask, pool, questions(12, "later"))
            # The calls of 9 s later did not have to wait for 10 s.
            assert anyio.current_time() == 1 + 10 + 1
            assert len(engines[0].calls) > 1 + 6

    run_virtually(main)


def test_a_probe_of_a_replica_that_is_still_silent_costs_little() -> None:
    async def main() -> None:
        engines = [Switched(), Switched()]
        async with ReplicaPool(engines, stall_seconds=100) as pool:
            await ask(pool, questions(2))
            engines[0].error = EngineDead("gone")
            await ask(pool, questions(2))
            engines[0].error, engines[0].seconds = None, math.inf
            start = anyio.current_time()
            await ask(pool, questions(1))
            # Five times what the others take, not the 100 s.
            assert anyio.current_time() - start == 5 + 1
            assert [status.state for status in pool.replicas()] == ["down", "serving"]

    run_virtually(main)


def test_where_nobody_else_takes_a_call_it_waits_on() -> None:
    async def main() -> None:
        engines = [Switched(seconds=500), Switched(seconds=1)]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(2))
            pool.drain(1)
            start = anyio.current_time()
            await pool.generate(question(), SAMPLING)
            assert anyio.current_time() - start == 500
            assert [status.failed for status in pool.replicas()] == [1, 0]

    run_virtually(main)


def test_where_the_silent_replica_fails_at_last_no_third_one_is_asked() -> None:
    async def main() -> None:
        engines = [Switched(), Switched(), Switched()]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(3))
            before = [len(engine.calls) for engine in engines]
            assert before == [1, 1, 1]

            async def fail_late(context: Context, sampling: Sampling) -> str | ForkjoinError:
                first = sum(len(engine.calls) for engine in engines) == 4
                await anyio.sleep(15 if first else 8)
                return EngineUnavailable("at last") if first else "answer"

            for engine in engines:
                engine._script = fail_late
            completion = await pool.generate(question("late"), SAMPLING)
            assert completion.text == "answer"
            assert sum(len(engine.calls) for engine in engines) == 5
            check_nothing_is_left(pool, engines)

    run_virtually(main)


class Gated(FakeEngine):
    """Sends its only part when the gate opens."""

    gate: anyio.Event

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.calls.append(FakeCall(context, sampling, delivery))

        async def parts() -> AsyncGenerator[Chunk]:
            await self.gate.wait()
            yield Chunk(text="x", token_ids=(120,), usage=Usage(), finish_reason="stop")

        async with aclosing(parts()) as chunks:
            yield chunks


@DELIVERIES
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_answer_that_comes_in_the_moment_of_the_move_is_passed_on_once(
    delivery: Delivery, backend: str
) -> None:
    async def main() -> None:
        engines = [Gated(), Gated()]
        Gated.gate = anyio.Event()
        Gated.gate.set()
        async with ReplicaPool(
            engines, stall_seconds=0.5, notify=lambda _: Gated.gate.set()
        ) as pool:
            await pool.generate(question("first"), SAMPLING, delivery)
            Gated.gate = anyio.Event()
            completion = await pool.generate(question("second"), SAMPLING, delivery)
            assert completion.text == "x"
            assert sum(len(engine.calls) for engine in engines) == 3
            check_nothing_is_left(pool, engines)

    anyio.run(main, backend=backend)


class SlowToLeave(Switched):
    """Takes time to abort a call."""

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        try:
            async with super().stream(context, sampling, delivery) as chunks:
                yield chunks
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.1)


@DELIVERIES
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_that_is_given_up_while_it_is_moved_leaves_nothing(
    delivery: Delivery, backend: str
) -> None:
    async def main() -> None:
        engines = [SlowToLeave(seconds=0.01), SlowToLeave(seconds=0.01)]
        async with ReplicaPool(engines, stall_seconds=0.1) as pool:
            await ask(pool, questions(2), delivery)
            for engine in engines:
                engine.seconds = math.inf
            with anyio.move_on_after(0.15):
                await pool.generate(question(), SAMPLING, delivery)
            check_nothing_is_left(pool, engines)

    anyio.run(main, backend=backend)


@DELIVERIES
def test_cancelling_a_call_ends_all_its_tries(delivery: Delivery) -> None:
    async def main() -> None:
        engines = [Switched(), Switched()]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            await ask(pool, questions(2), delivery)
            for engine in engines:
                engine.seconds = math.inf
            with anyio.move_on_after(15):
                await pool.generate(question(), SAMPLING, delivery)
            assert [len(engine.calls) for engine in engines] == [2, 2]
            assert [engine.aborted for engine in engines] == [1, 1]
            check_nothing_is_left(pool, engines)

    run_virtually(main)


def test_a_reader_gets_the_parts_of_one_replica_only() -> None:
    async def main() -> list[Chunk]:
        engines = [FakeEngine("a" * 64, latency=12), FakeEngine("b" * 64, latency=12)]
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            first = await pool.generate(question(), Sampling(max_tokens=64), STREAMED)
            other = 1 if first.text[0] == "a" else 0
            engines[1 - other]._latency = 1000
            async with pool.stream(question(), Sampling(max_tokens=64)) as chunks:
                return [chunk async for chunk in chunks]

    chunks = run_virtually(main)
    assert len(chunks) == 4
    assert len({chunk.text for chunk in chunks}) == 1
