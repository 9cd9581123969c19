"""Wrappers around each other: the contract over stacks of them, and what becomes of a call on its way down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Self

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    STREAMED,
    WHOLE,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineDead,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    Sampling,
    join,
)
from engines.width.adaptive_limiter import AdaptiveLimiter
from engines.wrappers.background import BackgroundEngine
from engines.wrappers.cap import CappedEngine
from engines.wrappers.hedge import HedgeEngine
from engines.wrappers.kv_meter import MeteredEngine
from engines.wrappers.limiter import CallLimiter, LimitedEngine
from engines.wrappers.logprobs import LogprobsEngine
from engines.wrappers.retry import RetryEngine, RetryPolicy
from engines.wrappers.timeout import TimeoutEngine
from engines.wrappers.watch import WatchedEngine
from tests import backends
from tests.backends import run_virtually
from tests.engines.contract import CHECKS, Check
from tests.engines.wrapping import TEAM, Breaking, Stalling, left_in, prompt, text_of

anyio_backend = backends.virtual_backend

Wrap = Callable[[Engine], Engine]

# From the inside out.
WRAPS: dict[str, Wrap] = {
    "meter": MeteredEngine,
    "cap": lambda inner: CappedEngine(inner, 100_000),
    "watch": lambda inner: WatchedEngine(inner, lambda *_: None),
    "timeout": lambda inner: TimeoutEngine(inner, total=1000, idle=100),
    "hedge": HedgeEngine,
    "limit": lambda inner: LimitedEngine(inner, CallLimiter(64)),
    "adaptive": lambda inner: LimitedEngine(inner, AdaptiveLimiter(inner)),
    "retry": RetryEngine,
    "background": BackgroundEngine,
}
REPLIES = {"regex": "123-ab", "json": '{"n": 4}', "grammar": "abd"}


def reply(context: Context, sampling: Sampling) -> str:
    constraint = sampling.constraint
    if constraint is None:
        return "The sea is large, deep and full of salt. " * 50
    return constraint.options[0] if isinstance(constraint, Choice) else REPLIES[constraint.kind]


def stacked(inner: Engine, *names: str) -> Engine:
    for name in names:
        inner = WRAPS[name](inner)
    return inner


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("check", [c for c in CHECKS if not c.needs_model], ids=lambda c: c.name)
@pytest.mark.parametrize("names", [(*WRAPS,), (*reversed(WRAPS),)], ids=["as-meant", "reversed"])
def test_a_stack_is_an_engine_like_any_other(
    names: tuple[str, ...], check: Check, backend: str
) -> None:
    async def main() -> None:
        fake = FakeEngine(reply, seconds_per_token=0.0005, chunk_tokens=4, window=2048)
        await check.run(stacked(fake, *names))

    if backend == "trio":
        run_virtually(main)
    else:
        anyio.run(main)


@given(
    st.permutations(list(WRAPS)),
    st.sampled_from([STREAMED, WHOLE]),
    st.sampled_from([Sampling(seed=4), Sampling(seed=4, collaboration=TEAM)]),
)
def test_in_any_order_the_result_is_that_of_the_engine(
    names: list[str], delivery: Delivery, sampling: Sampling
) -> None:
    async def main() -> None:
        plain, inner = (FakeEngine(reply, seconds_per_token=0.01) for _ in range(2))
        chunks = []
        for engine in (plain, stacked(inner, *names)):
            async with engine.stream(prompt(), sampling, delivery) as stream:
                chunks.append([chunk async for chunk in stream])
        assert chunks[0] == chunks[1]
        if sampling.collaboration is not None:
            assert any(chunk.passages for chunk in chunks[0])
            assert any(chunk.drafts for chunk in chunks[0]) is not delivery.whole
        assert inner.aborted == await left_in(inner) == 0

    run_virtually(main)


@given(st.permutations(list(WRAPS)), st.floats(0, 25), st.booleans())
def test_in_any_order_cancelling_leaves_nothing(
    names: list[str], seconds: float, whole: bool
) -> None:
    async def main() -> int:
        inner = FakeEngine(reply, seconds_per_token=0.01)
        engine = stacked(inner, *names)
        delivery = WHOLE if whole else STREAMED
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(engine.generate, prompt(), Sampling(), delivery)
        return await left_in(inner)

    assert run_virtually(main) == 0


def test_everything_that_can_go_wrong_with_a_call_read_whole_is_mended() -> None:
    """One breaks off in the middle, one stalls for ever, one straggles; all are answered, each once."""
    told: dict[str, int] = {}

    def tell(path: str, new: int, text: str) -> None:
        told[path] = told.get(path, 0) + new

    async def main() -> list[str | None]:
        inner = FakeEngine("a reply of 32 tokens, no less ok", seconds_per_token=0.1)
        ends = Stalling(Breaking(inner, *[None] * 12, 1, 0, 1, None, 2), *[None] * 14, 1)
        inside = TimeoutEngine(WatchedEngine(ends, tell), idle=5)
        limited = LimitedEngine(HedgeEngine(inside), CallLimiter(4))
        engine = RetryEngine(limited, RetryPolicy(first_delay=0.1))
        outcomes = await join([partial(text_of, engine, f"call-{i}") for i in range(20)])
        assert await left_in(inner) == 0
        return [outcome.value for outcome in outcomes]

    assert run_virtually(main) == ["a reply of 32 tokens, no less ok"] * 20
    assert len(told) == 20
    assert min(told.values()) == 32
    assert sum(told.values()) > 20 * 32


@pytest.mark.anyio
@pytest.mark.parametrize(("before", "priority"), [(0, 10), (-5, 10), (10, 10), (30, 30)])
async def test_background_work_is_marked_and_nothing_else_changes(
    before: int, priority: int
) -> None:
    inner = FakeEngine()
    delivery = Delivery(whole=True, interval=4, priority=before, expected_tokens=9)
    await BackgroundEngine(inner).generate(prompt(), Sampling(), delivery)
    marked = Delivery(whole=True, interval=4, priority=priority, expected_tokens=9)
    assert [call.delivery for call in inner.calls] == [marked]


def test_background_work_waits_for_ordinary_work() -> None:
    async def main() -> list[str]:
        inner = FakeEngine("ok", latency=1)
        engine = LimitedEngine(inner, CallLimiter(1))
        async with anyio.create_task_group() as group:
            group.start_soon(text_of, engine, "first")
            await anyio.sleep(0.1)
            group.start_soon(text_of, BackgroundEngine(engine), "judge")
            await anyio.sleep(0.1)
            group.start_soon(text_of, engine, "branch")
        return [call.context.path for call in inner.calls]

    assert run_virtually(main) == ["first", "branch", "judge"]


@pytest.mark.anyio
async def test_a_wrapper_opens_and_closes_the_engine_inside() -> None:
    class Opening(FakeEngine):
        opened = 0

        async def __aenter__(self) -> Self:
            self.opened += 1
            return self

    inner = Opening()
    async with RetryEngine(BackgroundEngine(inner)) as engine:
        assert inner.opened == 1
        assert await text_of(engine) == "ok"
    with pytest.raises(EngineDead):
        await text_of(inner)


@pytest.mark.anyio
async def test_a_retry_waits_without_a_slot() -> None:
    limiter = CallLimiter(1)
    running: list[int] = []
    inner = FakeEngine([EngineUnavailable("no"), "ok"])
    engine = RetryEngine(
        LimitedEngine(inner, limiter),
        RetryPolicy(first_delay=0),
        lambda _: running.append(limiter.statistics().running),
    )
    assert await text_of(engine) == "ok"
    assert running == [0]


@pytest.mark.anyio
async def test_no_logprobs_are_asked_of_workers_of_whom_there_are_none() -> None:
    fake = FakeEngine("So it is 4.\n\n")
    asked = Sampling(max_tokens=40, collaboration=TEAM)
    await LogprobsEngine(fake, 20).generate(prompt(), asked)
    assert fake.calls[0].sampling == asked


@pytest.mark.anyio
async def test_a_cap_is_for_all_workers_together() -> None:
    engine = CappedEngine(FakeEngine("So it is 4.\n\n"), 30)
    completion = await engine.generate(prompt(), Sampling(max_tokens=500, collaboration=TEAM))
    assert completion.usage.generated_tokens <= 30
    assert completion.finish_reason == "length"


@pytest.mark.anyio
@pytest.mark.parametrize(("asked", "told"), [(None, 20), (0, 0), (5, 5)])
async def test_logprobs_are_asked_for_where_a_call_asks_for_none(
    asked: int | None, told: int
) -> None:
    seen: list[Sampling] = []

    class Resumed(EngineWrapper):
        async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
            seen.append(sampling)
            return ()

    fake = FakeEngine("4")
    engine = LogprobsEngine(Resumed(fake), 20)
    completion = await engine.generate(prompt(), Sampling(logprobs=asked))
    await engine.unfinished(prompt(), Sampling(logprobs=asked))
    assert len(completion.logprobs) == 1
    assert [fake.calls[0].sampling, *seen] == [Sampling(logprobs=told)] * 2
