from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    STREAMED,
    WHOLE,
    CallLimiter,
    Chunk,
    Context,
    Delivery,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    LimitedEngine,
    Notice,
    Regex,
    RequestRejected,
    Sampling,
    join,
)
from engines.wrappers.hedge import HedgeEngine
from engines.wrappers.peers import HedgePolicy, Peers
from tests import backends
from tests.backends import run_virtually
from tests.engines.wrapping import cancelled_after, left_in, prompt, text_of

anyio_backend = backends.virtual_backend


class Paced(FakeEngine):
    """Every call takes a time of its own, in the order in which they begin; after these, one second."""

    def __init__(self, *seconds: float, fails: dict[int, ForkjoinError] | None = None) -> None:
        super().__init__(self._pace)
        self._seconds = seconds
        self._fails = fails or {}

    async def _pace(self, context: Context, sampling: Sampling) -> str:
        number = len(self.calls) - 1
        await anyio.sleep(self._seconds[number] if number < len(self._seconds) else 1)
        if number in self._fails:
            raise self._fails[number]
        return context.path


class Hedged:
    """An engine under test, and what happened."""

    def __init__(self, inner: FakeEngine, policy: HedgePolicy | None = None) -> None:
        self.inner = inner
        self.peers = Peers(policy)
        self.notices: list[Notice] = []
        self.engine = HedgeEngine(inner, self.peers, self.notices.append)

    async def all_of(self, count: int) -> list[str | None]:
        """The texts of so many calls at once; None where one failed."""
        calls = [partial(text_of, self.engine, f"call-{i}") for i in range(count)]
        return [outcome.value for outcome in await join(calls)]

    def run(self, count: int, before: int = 0) -> tuple[list[str | None], float]:
        """What so many calls say and when the last has ended, after some calls of one second."""

        async def main() -> tuple[list[str | None], float]:
            if before:
                await self.all_of(before)
            begun = anyio.current_time()
            texts = await self.all_of(count)
            assert await left_in(self.inner) == 0
            assert self.peers.statistics().running == 0
            return texts, anyio.current_time() - begun

        return run_virtually(main)


def test_a_straggler_of_a_fan_out_is_started_again_and_the_late_try_aborted() -> None:
    hedged = Hedged(Paced(*[1] * 40, 500, *[1] * 23))
    texts, seconds = hedged.run(64)
    assert texts == [f"call-{i}" for i in range(64)]
    assert seconds == 2.5
    calls = hedged.inner.calls
    assert [(n.kind, n.path) for n in hedged.notices] == [("hedged", calls[40].context.path)]
    assert hedged.notices[0].reason == "no answer after 1.5 s; its peers took up to 1 s"
    assert (len(calls), hedged.inner.aborted) == (65, 1)
    assert calls[64] == calls[40]


def test_the_first_try_wins_where_it_is_first() -> None:
    hedged = Hedged(Paced(*[1] * 8, 3, 100))
    texts, seconds = hedged.run(1, before=8)
    assert (texts, seconds, hedged.inner.aborted) == (["call-0"], 3, 1)


@pytest.mark.parametrize("peers", [0, 7])
def test_without_enough_peers_nothing_is_late(peers: int) -> None:
    hedged = Hedged(Paced(*[1] * peers, 500))
    assert hedged.run(1, before=peers)[1] == 500
    assert hedged.notices == []


def test_a_call_is_started_twice_at_most() -> None:
    hedged = Hedged(Paced(*[1] * 8, 500, 400))
    assert hedged.run(1, before=8)[1] == 401.5
    assert len(hedged.inner.calls) == 10


def test_where_all_are_slow_it_is_the_load_and_nobody_is_started_again() -> None:
    hedged = Hedged(Paced(*[1] * 32, *[50] * 32), HedgePolicy(window=32))
    assert hedged.run(32, before=32)[1] == 50
    assert hedged.notices == []


def test_no_more_than_a_share_run_twice_at_a_time() -> None:
    # Of 100 calls and their 20 peers a share of 0.05 are 6.
    hedged = Hedged(
        Paced(*[1] * 20, *[1] * 94, *[90 + i for i in range(6)]), HedgePolicy(share=0.05)
    )
    hedged.run(100, before=20)
    assert len(hedged.notices) == 6
    hedged = Hedged(Paced(*[1] * 20, *[1] * 90, *[90] * 10), HedgePolicy(share=0.05))
    hedged.run(100, before=20)
    assert hedged.notices == []


@pytest.mark.parametrize("failing", [8, 9])
def test_an_error_of_one_try_waits_for_the_other(failing: int) -> None:
    hedged = Hedged(Paced(*[1] * 8, 3, 4, fails={failing: EngineUnavailable("broke off")}))
    texts, seconds = hedged.run(1, before=8)
    assert texts == ["call-0"]
    assert seconds == (1.5 + 4 if failing == 8 else 3)


def test_where_both_fail_the_error_is_that_of_the_first() -> None:
    fails: dict[int, ForkjoinError] = {
        8: EngineUnavailable("first"),
        9: RequestRejected("second"),
    }
    hedged = Hedged(Paced(*[1] * 8, 9, 2, fails=fails))

    async def main() -> None:
        await hedged.all_of(8)
        await text_of(hedged.engine)

    with pytest.raises(EngineUnavailable, match="first"):
        run_virtually(main)


def test_an_error_before_a_call_is_late_is_raised_at_once() -> None:
    hedged = Hedged(Paced(*[1] * 8, 1.25, fails={8: EngineUnavailable("broke off")}))
    assert hedged.run(1, before=8) == ([None], 1.25)
    assert len(hedged.inner.calls) == 9


def test_a_bug_is_no_group() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_virtually(lambda: text_of(HedgeEngine(FakeEngine(script))))


def test_failures_and_cancelled_calls_are_no_peers() -> None:
    fails: dict[int, ForkjoinError] = {i: EngineUnavailable("no") for i in range(8)}
    hedged = Hedged(Paced(*[0.1] * 8, fails=fails))

    async def main() -> int:
        await hedged.all_of(8)
        for _ in range(8):
            await cancelled_after(0.5, hedged.engine)
        return hedged.peers.statistics().finished

    assert run_virtually(main) == 0


def test_calls_that_are_not_read_whole_are_passed_on() -> None:
    inner = FakeEngine("a long reply", chunk_tokens=4, seconds_per_token=9)

    async def main() -> list[str]:
        async with HedgeEngine(inner).stream(prompt(), Sampling(), STREAMED) as chunks:
            return [chunk.text async for chunk in chunks]

    assert run_virtually(main) == ["a lo", "ng r", "eply"]


@pytest.mark.parametrize(
    ("sampling", "delivery", "seconds"),
    [
        (Sampling(), WHOLE, 1.5 + 1),
        (Sampling(max_tokens=600, seed=9, temperature=0), WHOLE, 1.5 + 1),
        (Sampling(max_tokens=4096), WHOLE, 100),
        (Sampling(stop=("!",)), WHOLE, 100),
        (Sampling(constraint=Regex(pattern=".*")), WHOLE, 100),
        (Sampling(), Delivery(whole=True, priority=10), 100),
        (Sampling(), Delivery(whole=True, expected_tokens=9), 100),
    ],
)
def test_peers_are_calls_of_about_the_same_length_and_use(
    sampling: Sampling, delivery: Delivery, seconds: float
) -> None:
    hedged = Hedged(Paced(*[1] * 8, 100))

    async def main() -> float:
        await hedged.all_of(8)
        await hedged.engine.generate(prompt(), sampling, delivery)
        return anyio.current_time() - 1

    assert run_virtually(main) == seconds


@pytest.mark.parametrize("seconds", [1.2, 1.5, 2])
def test_cancelling_aborts_both_tries(seconds: float) -> None:
    hedged = Hedged(Paced(*[1] * 8, 500, 500))

    async def main() -> tuple[int, int, int]:
        await hedged.all_of(8)
        await cancelled_after(seconds, hedged.engine)
        statistics = hedged.peers.statistics()
        return await left_in(hedged.inner), statistics.running, statistics.hedged

    assert run_virtually(main) == (0, 0, 0)


@given(st.lists(st.sampled_from([0.5, 1.0, 1.1, 2.0, 9.0, 80.0]), min_size=1, max_size=40))
def test_results_are_the_same_with_and_without(seconds: list[float]) -> None:
    inner = Paced(*seconds)
    hedged = Hedged(inner, HedgePolicy(least=3, share=0.3))
    texts, took = hedged.run(len(seconds))
    assert texts == [f"call-{i}" for i in range(len(seconds))]
    assert took <= max(seconds)
    assert len(inner.calls) == len(seconds) + len(hedged.notices)
    assert inner.aborted == len(hedged.notices)


@pytest.mark.anyio
async def test_both_event_loops_can_do_it() -> None:
    inner = Paced(*[0] * 8, math.inf, 0)
    hedged = Hedged(inner)
    await hedged.all_of(8)
    assert await text_of(hedged.engine) == "root"
    assert (len(inner.calls), inner.aborted, await left_in(inner)) == (10, 1, 0)


class Cutting(EngineWrapper):
    """Marks calls, by their number, as cut by a budget."""

    def __init__(self, inner: FakeEngine, cut: set[int]) -> None:
        super().__init__(inner)
        self._fake = inner
        self._cut = cut

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        number = len(self._fake.calls)

        async def marked(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
            async for chunk in chunks:
                limit = "seconds" if number in self._cut else None
                yield replace(chunk, text=f"try {number}", limited_by=limit)

        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(marked(chunks)) as passing,
        ):
            yield passing


@pytest.mark.parametrize(
    ("first", "second", "cut", "text", "seconds"),
    [
        (3, 4, set(), "try 8", 3),
        (3, 4, {8}, "try 9", 1.5 + 4),
        (6, 2, {9}, "try 8", 6),
        (3, 4, {8, 9}, "try 8", 1.5 + 4),
    ],
)
def test_an_answer_that_a_budget_cut_waits_for_the_other(
    first: float, second: float, cut: set[int], text: str, seconds: float
) -> None:
    inner = Paced(*[1] * 8, first, second)
    peers = Peers()
    engine = HedgeEngine(Cutting(inner, cut), peers)

    async def main() -> tuple[str, float, int]:
        await join([partial(text_of, engine)] * 8)
        begun = anyio.current_time()
        return (
            await text_of(engine),
            anyio.current_time() - begun,
            peers.statistics().finished,
        )

    assert run_virtually(main) == (text, seconds, 8 if cut == {8, 9} else 9)


def test_a_second_try_counts_from_when_it_has_its_slot() -> None:
    async def main() -> tuple[list[tuple[float, str]], float]:
        peers = Peers()
        limiter = CallLimiter(1)
        told: list[tuple[float, str]] = []

        def tell(notice: Notice) -> None:
            told.append((anyio.current_time() - 1, notice.reason))

        inner = Paced(*[1] * 8, 100, 1)
        engine = HedgeEngine(inner, peers, tell, second_slot=limiter.slot)
        await join([partial(text_of, engine)] * 8)
        async with anyio.create_task_group() as group, limiter.slot():
            group.start_soon(text_of, engine)
            await anyio.sleep(4)
            assert (peers.statistics().hedged, len(inner.calls)) == (0, 9)
        return told, anyio.current_time() - 1

    assert run_virtually(main) == (
        [(4, "no answer after 4 s; its peers took up to 1 s")], 5
    )  # fmt: skip


@pytest.mark.anyio
async def test_a_second_try_is_of_the_run_of_the_first() -> None:
    run: ContextVar[str] = ContextVar("run")
    seen: list[tuple[str, str]] = []

    async def script(context: Context, sampling: Sampling) -> str:
        seen.append((context.path, run.get()))
        # The first try of the late one never ends; the others begin after it.
        await anyio.sleep(math.inf if len(seen) == 1 else 0)
        return "ok"

    # Without enough peers there is no alarm before those of the other run have left.
    engine = HedgeEngine(FakeEngine(script), Peers(HedgePolicy(least=2)))

    async def call(name: str, of: str) -> None:
        run.set(of)
        await text_of(engine, name)

    async with anyio.create_task_group() as group:
        group.start_soon(call, "late", "mine")
        while not seen:
            await anyio.lowlevel.checkpoint()
        for i in range(3):
            group.start_soon(call, f"peer-{i}", "another's")
    assert [of for path, of in seen if path == "late"] == ["mine", "mine"]


def test_a_second_try_needs_a_slot_of_its_own_and_the_first_does_not_wait_for_it() -> None:
    async def main() -> tuple[int, float, int]:
        inner = Paced(*[1] * 8, 5, 5, 1)
        limiter = CallLimiter(2)
        hedge = HedgeEngine(inner, Peers(), second_slot=partial(limiter.slot, priority=-1))
        engine = LimitedEngine(hedge, limiter)
        await join([partial(text_of, engine, f"before-{i}") for i in range(8)])
        begun = anyio.current_time()
        # Two late calls hold both slots: neither can be started again, and both end.
        await join([partial(text_of, engine, f"late-{i}") for i in range(2)])
        return len(inner.calls), anyio.current_time() - begun, limiter.statistics().peak

    assert run_virtually(main) == (10, 5, 2)
