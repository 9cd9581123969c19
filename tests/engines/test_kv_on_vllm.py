"""The count of blocks beside vLLM's own: what a step tells, and what is in use while the next one runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple, cast

import anyio
import pytest

from engines import Context, Engine, EngineStatistics, Sampling, converse, join, run_in_portal
from engines.wrappers.kv_meter import KvUse, MeteredEngine

pytestmark = pytest.mark.real_vllm


class Moment(NamedTuple):
    """Both counts at one time."""

    engine: EngineStatistics
    meter: KvUse
    blocks: int

    @property
    def comparable(self) -> bool:
        """Whether both know of the same calls: none waits in the engine's queue, or has ended for one of them only."""
        return self.engine.running == self.meter.calls and not self.engine.waiting


def size_of_cache(engine: Engine) -> int:
    """Blocks of vLLM's cache; its first one is never used."""
    return int(cast(Any, engine)._llm.vllm_config.cache_config.num_gpu_blocks) - 1


async def watched(meter: MeteredEngine, main: Callable[[], Awaitable[object]]) -> list[Moment]:
    """Both counts, again and again while something runs."""
    size, moments = size_of_cache(meter.inner), list[Moment]()

    async def look() -> None:
        while True:
            engine, use = await meter.statistics(), meter.use
            assert use is not None
            blocks = round(engine.kv_usage * size)
            assert abs(engine.kv_usage * size - blocks) < 0.01
            moments.append(Moment(engine, use, blocks))
            await anyio.sleep(0.002)

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await main()
        group.cancel_scope.cancel()
    return moments


async def question(engine: Engine, name: str) -> Context:
    text = f"{name}: tell a story of a farmer. " + "He has a cow and a field. " * 20
    return await converse(engine, [("user", text), ("assistant", "")], name=name)


def sampling(tokens: int, seed: int) -> Sampling:
    return Sampling(max_tokens=tokens, ignore_eos=True, seed=seed, temperature=1.0)


async def grow(engine: Engine, root: Context) -> None:
    """A question, four thoughts and two more after each, all of different lengths."""

    async def thought(number: int) -> None:
        fork = root.fork(str(number))
        first = await engine.generate(fork, sampling(12 + 5 * number, number))
        leaves = [first.context.fork(str(i)) for i in range(2)]
        await join(
            [
                partial(engine.generate, leaf, sampling(18 + 9 * i, i))
                for i, leaf in enumerate(leaves)
            ]
        )

    for outcome in await join([partial(thought, number) for number in range(4)]):
        assert outcome.reason == ""


def test_the_count_is_that_of_vllm_and_one_step_ahead(vllm_engine: Engine) -> None:
    async def main() -> tuple[list[Moment], KvUse]:
        meter = MeteredEngine(vllm_engine, interval=1)
        root = await question(vllm_engine, "tree")
        moments = await watched(meter, partial(grow, meter, root))
        use = meter.use
        assert use is not None
        return moments, use

    moments, use = run_in_portal(main)
    compared = [moment for moment in moments if moment.comparable and moment.engine.running]
    # The token that was sampled last gets its KV in the step that runs: it may be the first one of a block.
    ahead = [moment.meter.blocks - moment.blocks for moment in compared]
    near = [0 <= n <= m.engine.running for n, m in zip(ahead, compared, strict=True)]
    assert fmean(near) > 0.95
    assert ahead.count(0) > 0.6 * len(ahead)
    ours = fmean(moment.meter.blocks for moment in compared)
    theirs = fmean(moment.blocks for moment in compared)
    assert 0.98 * theirs <= ours <= 1.1 * theirs
    assert use.blocks == 0
    assert use.peak >= 0.9 * max(moment.blocks for moment in moments)
    # Without sharing it would be twice as much.
    assert use.sharing > 2


def test_vllm_has_what_calls_happen_to_say_alike_for_each_of_them(
    vllm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.vllm_statistics import StepCounts  # It imports vLLM.

    told: list[float] = []
    record = StepCounts.record

    def noted(counts: StepCounts, scheduler: Any, core: int = 0) -> None:
        told.append(scheduler.kv_cache_usage)
        record(counts, scheduler, core)

    monkeypatch.setattr(StepCounts, "record", noted)

    async def main() -> tuple[KvUse, int]:
        meter = MeteredEngine(vllm_engine, interval=1)
        root = await question(vllm_engine, "twins")
        greedy = Sampling(max_tokens=66, ignore_eos=True, temperature=0)
        await join([partial(meter.generate, root.fork(str(i)), greedy) for i in range(2)])
        use = meter.use
        assert use is not None
        return use, len(root.token_ids)

    use, length = run_in_portal(main)
    size = vllm_engine.capabilities.block_size
    assert size is not None
    alike = (length + 65) // size - length // size
    assert alike >= 2
    # Of the full blocks behind the question vLLM has two each, the meter one.
    most = round(max(told) * size_of_cache(vllm_engine))
    assert most - use.peak in (alike, alike + 1)
