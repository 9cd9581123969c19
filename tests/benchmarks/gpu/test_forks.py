"""First tokens of forks, on a fake engine that computes one prompt token a second, and what it shares once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.parts.forks import OWN, measure
from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    FakeEngine,
    Sampling,
    single_error,
)
from tests.backends import run_virtually
from tests.benchmarks.gpu.settings import setting_of

# As many as in small.
WIDTH, LENGTH, BLOCK = 4, 256, 16


class Prefilling(EngineWrapper):
    """Computes the prompts one after another."""

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self._lock = anyio.Lock()

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(self._computed(chunks)) as computed,
        ):
            yield computed

    async def _computed(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
        async for chunk in chunks:
            async with self._lock:
                await anyio.sleep(chunk.usage.prompt_tokens - (chunk.usage.cached_tokens or 0))
            yield chunk


class Telling(EngineWrapper):
    """Tells that so many tokens of each prompt were cached."""

    def __init__(self, inner: Engine, cached: int | None) -> None:
        super().__init__(inner)
        self._cached = cached

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield (
                replace(chunk, usage=chunk.usage.model_copy(update={"cached_tokens": self._cached}))
                async for chunk in chunks
            )


def fake() -> FakeEngine:
    return FakeEngine("x" * 9, block_size=BLOCK, seconds_per_token=1)


def measured(engine: Engine) -> Callable[[], Awaitable[list[Figure]]]:
    setting = setting_of(engine)

    async def main() -> list[Figure]:
        with single_error():
            return await measure(setting)

    return main


def test_forks_compute_their_trie_once_and_wait_for_no_more() -> None:
    main = measured(Prefilling(fake()))
    prefill, within, everyone, average = run_virtually(main)
    unique = LENGTH + WIDTH * OWN
    assert prefill.data["unique"] == prefill.data["computed"] == [unique]
    assert (prefill.value, prefill.reached) == (1, True)
    # Each but the first computes half a block of the context again.
    more = BLOCK // 2
    assert within.data["unique"] == [unique + more]
    assert within.data["computed"] == [unique + WIDTH * more]
    alone = WIDTH * (LENGTH + OWN)
    # And a second for the first token itself.
    assert everyone.data["seconds"] == [unique + 1]
    assert everyone.data["seconds_unrelated"] == [alone + 1]
    assert everyone.value == (alone + 1) / (unique + 1)
    assert everyone.reached is False
    assert average.goal is None


def test_forks_that_are_computed_each_by_itself_miss_the_goal() -> None:
    prefill, *_ = run_virtually(measured(Telling(fake(), 0)))
    assert prefill.value == WIDTH * (LENGTH + OWN) / (LENGTH + WIDTH * OWN)
    assert prefill.reached is False


def test_what_was_in_the_cache_before_is_found_out() -> None:
    engine = fake()

    async def main() -> None:
        await measured(engine)()
        await measured(engine)()

    with pytest.raises(Mismeasured, match="in the cache before"):
        run_virtually(main)


def test_an_engine_that_does_not_tell_is_found_out() -> None:
    with pytest.raises(Mismeasured, match="what was cached"):
        run_virtually(measured(Telling(fake(), None)))
