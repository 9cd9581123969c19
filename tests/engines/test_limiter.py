from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Delivery, FakeEngine, FifoQueue, Sampling, UsageError
from engines.wrappers.limiter import CallLimiter, LimitedEngine, LimiterStatistics
from tests import backends
from tests.backends import run_virtually
from tests.engines.wrapping import cancelled_after, left_in, prompt, text_of

anyio_backend = backends.virtual_backend


@dataclass(frozen=True)
class Visit:
    """A call that comes, is cancelled a while later if it is not through, and holds its slot for a time."""

    comes: int
    patience: int
    holds: int
    owner: str
    priority: int


VISITS = st.lists(
    st.builds(
        Visit,
        comes=st.integers(0, 6),
        patience=st.integers(0, 8) | st.just(1000),
        holds=st.integers(0, 4),
        owner=st.sampled_from("abc"),
        priority=st.integers(0, 2),
    ),
    max_size=14,
)
RESIZES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), max_size=3)


class House:
    """Runs visits through a limiter and looks whether it keeps its rules.

    Args:
        ticks: What passes the time: virtual seconds, or rounds of the event loop.
    """

    def __init__(self, limit: int, ticks: Callable[[int], Awaitable[None]]) -> None:
        self.limiter = CallLimiter(limit)
        self.ticks = ticks
        self.inside = 0
        self.served: list[Visit] = []

    async def visit(self, visit: Visit) -> None:
        await self.ticks(visit.comes)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(self._end, visit.patience, scope)
                async with self.limiter.slot(owner=visit.owner, priority=visit.priority):
                    self.enter(visit)
                    try:
                        await self.ticks(visit.holds)
                    finally:
                        self.inside -= 1
                group.cancel_scope.cancel()

    async def _end(self, patience: int, scope: anyio.CancelScope) -> None:
        await self.ticks(patience)
        scope.cancel()

    async def resize(self, after: int, limit: int) -> None:
        await self.ticks(after)
        self.limiter.resize(limit)
        self.check()

    def enter(self, visit: Visit) -> None:
        self.inside += 1
        self.served.append(visit)
        self.check()

    def check(self) -> None:
        statistics = self.limiter.statistics()
        # A slot is taken by the time that its holder wakes.
        assert self.inside <= statistics.running <= statistics.peak
        assert statistics.waiting == 0 or statistics.running >= statistics.limit

    async def open(self, visits: list[Visit], resizes: list[tuple[int, int]]) -> None:
        async with anyio.create_task_group() as group:
            for visit in visits:
                group.start_soon(self.visit, visit)
            for after, limit in resizes:
                group.start_soon(self.resize, after, limit)
        statistics = self.limiter.statistics()
        assert (self.inside, statistics.running, statistics.waiting) == (0, 0, 0)
        patient = [visit for visit in visits if visit.patience == 1000]
        assert Counter(patient) <= Counter(self.served)


async def rounds(count: int) -> None:
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


@given(VISITS, RESIZES, st.integers(1, 3))
def test_no_slot_is_lost_or_given_twice_and_nobody_waits_beside_a_free_one(
    visits: list[Visit], resizes: list[tuple[int, int]], limit: int
) -> None:
    house = House(limit, anyio.sleep)
    run_virtually(lambda: house.open(visits, resizes))
    limits = [limit, *(new for _, new in resizes)]
    assert house.limiter.statistics().peak <= max(limits)


@given(VISITS, RESIZES, st.integers(1, 3))
def test_the_same_in_rounds_of_asyncio(
    visits: list[Visit], resizes: list[tuple[int, int]], limit: int
) -> None:
    anyio.run(House(limit, rounds).open, visits, resizes, backend="asyncio")


async def order_of(
    limiter: CallLimiter, visits: Sequence[tuple[str, float]], cancelled: Collection[int] = ()
) -> list[int]:
    """The order in which calls are served that come one after another while the only slot is taken."""
    served: list[int] = []
    scopes: dict[int, anyio.CancelScope] = {}

    async def visit(number: int) -> None:
        owner, priority = visits[number]
        with anyio.CancelScope() as scopes[number]:
            async with limiter.slot(owner=owner, priority=priority):
                served.append(number)

    async with anyio.create_task_group() as group, limiter.slot():
        for number in range(len(visits)):
            group.start_soon(visit, number)
            while limiter.statistics().waiting <= number:
                await anyio.lowlevel.checkpoint()
        for number in cancelled:
            scopes[number].cancel()
        while limiter.statistics().waiting > len(visits) - len(cancelled):
            await anyio.lowlevel.checkpoint()
    return served


@pytest.mark.anyio
async def test_owners_take_turns_and_the_smallest_priority_comes_first() -> None:
    visits = [("a", 2), ("a", 1), ("a", 1), ("b", 5), ("b", 4)]
    assert await order_of(CallLimiter(1), visits) == [1, 4, 2, 3, 0]


@pytest.mark.anyio
async def test_another_queue_gives_another_order() -> None:
    visits = [("a", 2.0), ("a", 1.0), ("b", 0.0)]
    assert await order_of(CallLimiter(1, FifoQueue()), visits) == [0, 1, 2]
    assert await order_of(CallLimiter(1, FifoQueue()), visits, {0, 1}) == [2]


@pytest.mark.anyio
async def test_an_owner_whose_calls_were_cancelled_loses_no_turn() -> None:
    visits = [("a", 0.0)] * 6 + [("b", 0.0)] * 3
    assert await order_of(CallLimiter(1), visits, {0, 1, 2}) == [3, 6, 4, 7, 5, 8]
    assert await order_of(CallLimiter(1), visits, {0, 1, 2, 3, 4, 5}) == [6, 7, 8]


@pytest.mark.anyio
async def test_a_slot_that_is_given_to_a_call_which_is_cancelled_goes_on_to_the_next() -> None:
    limiter = CallLimiter(1)
    served: list[str] = []

    async def visit(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            async with limiter.slot():
                served.append(name)

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        async with limiter.slot():
            group.start_soon(visit, "first", scope)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(visit, "second", anyio.CancelScope())
            await anyio.wait_all_tasks_blocked()
            # It is cancelled, and gets the slot before it knows.
            scope.cancel()
        assert limiter.statistics() == LimiterStatistics(limit=1, running=1, waiting=1, peak=1)
    assert served == ["second"]
    assert limiter.statistics() == LimiterStatistics(limit=1, running=0, waiting=0, peak=1)


@pytest.mark.anyio
async def test_a_larger_limit_lets_in_who_waits_and_a_smaller_one_lets_run_who_runs() -> None:
    limiter = CallLimiter(1)
    leave = anyio.Event()

    async def visit() -> None:
        async with limiter.slot():
            await leave.wait()

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(visit)
        await anyio.wait_all_tasks_blocked()
        assert limiter.statistics() == LimiterStatistics(limit=1, running=1, waiting=5, peak=1)
        limiter.resize(4)
        assert limiter.statistics() == LimiterStatistics(limit=4, running=4, waiting=2, peak=4)
        limiter.resize(2)
        assert limiter.statistics() == LimiterStatistics(limit=2, running=4, waiting=2, peak=4)
        leave.set()
    assert limiter.statistics() == LimiterStatistics(limit=2, running=0, waiting=0, peak=4)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_that_lets_nothing_run_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match="give at least 1"):
        CallLimiter(limit)
    with pytest.raises(UsageError, match="give at least 1"):
        CallLimiter(1).resize(limit)


def test_engines_and_runs_share_one_limit() -> None:
    async def main() -> None:
        inner, other = FakeEngine("x", latency=1), FakeEngine("y", latency=1)
        limiter = CallLimiter(3)
        async with anyio.create_task_group() as group:
            for i in range(20):
                for engine in (inner, other):
                    limited = LimitedEngine(engine, limiter, owner=engine.model + str(i % 2))
                    group.start_soon(text_of, limited)
            await anyio.sleep(0.5)
            assert await left_in(inner) + await left_in(other) == 3
        assert anyio.current_time() == 14
        assert limiter.statistics().peak == 3

    run_virtually(main)


def test_runs_take_turns_whoever_asked_first() -> None:
    inner = FakeEngine("x", latency=1)

    async def main() -> list[str]:
        limiter = CallLimiter(1)
        async with anyio.create_task_group() as group:
            for run, count in (("a", 4), ("b", 2)):
                for _ in range(count):
                    group.start_soon(text_of, LimitedEngine(inner, limiter, owner=run), run)
                    await anyio.sleep(0.01)
        return [call.context.path for call in inner.calls]

    assert run_virtually(main) == ["a", "a", "b", "a", "b", "a"]


def test_urgent_calls_come_first_and_of_equal_ones_the_longest() -> None:
    inner = FakeEngine("x", latency=1)
    waiting = [
        (Delivery(priority=10), 5000),
        (Delivery(), 100),
        (Delivery(), 3000),
        (Delivery(expected_tokens=200), 4000),
        (Delivery(priority=-1), 1),
        (Delivery(priority=10), 9000),
        (Delivery(), 2**40),
    ]

    async def main() -> list[int]:
        engine = LimitedEngine(inner, CallLimiter(1))
        async with anyio.create_task_group() as group:
            group.start_soon(text_of, engine)
            await anyio.sleep(0.1)
            for delivery, tokens in waiting:
                group.start_soon(engine.generate, prompt(), Sampling(max_tokens=tokens), delivery)
        return [call.sampling.max_tokens for call in inner.calls[1:]]

    assert run_virtually(main) == [1, 2**40, 3000, 4000, 100, 9000, 5000]


@pytest.mark.parametrize("seconds", [0.5, 1.5])
def test_a_cancelled_call_leaves_its_slot_or_its_place(seconds: float) -> None:
    async def main() -> tuple[int, LimiterStatistics]:
        inner = FakeEngine("x", latency=1)
        limiter = CallLimiter(1)
        engine = LimitedEngine(inner, limiter)
        async with anyio.create_task_group() as group:
            group.start_soon(text_of, engine)
            await anyio.lowlevel.checkpoint()
            group.start_soon(cancelled_after, seconds, engine)
        assert anyio.current_time() == max(seconds, 1)
        return await left_in(inner), limiter.statistics()

    left, statistics = run_virtually(main)
    assert (left, statistics.running, statistics.waiting) == (0, 0, 0)
