"""The searches of the headline table, on a fake engine that counts its blocks as vLLM does."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import combinations
from statistics import fmean, stdev
from typing import Any

import anyio
import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Incomplete, Setting
from benchmarks.gpu.parts import searches
from benchmarks.gpu.searching.blocks_in_use import BlocksInUse, blocks_in_use
from benchmarks.gpu.searching.figures import fewer_blocks, sooner
from benchmarks.gpu.searching.made_up_thoughts import Drawn, KnownMeanings, World
from benchmarks.gpu.searching.runs import Found, Load, searched
from engines import (
    Context,
    Engine,
    EngineDead,
    EngineStatistics,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Usage,
    converse,
)
from engines.wrappers.kv_meter import MeteredEngine
from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.independent import Independent
from reasoning.searching.rules.rebase import Rebase
from tests.backends import run_virtually

WIDTH, DEPTH, BLOCKS = 8, 3, 1000
LOAD = Load(world=World(depth=DEPTH, most=40), problems=2, width=WIDTH, blocks=BLOCKS)


def exactly(context: Context, sampling: Sampling) -> str:
    """As many characters as asked for, which no other call has."""
    draw = random.Random(context.path)
    return "".join(chr(draw.randrange(1_000, 50_000)) for _ in range(sampling.max_tokens))


class Counting(EngineWrapper):
    """Tells of its blocks what the meter inside counts."""

    def __init__(self, blocks: int, script: Any = exactly) -> None:
        fake = FakeEngine(script, latency=0.01, seconds_per_token=0.01, chunk_tokens=1)
        self.meter = MeteredEngine(fake)
        self._blocks = blocks
        super().__init__(self.meter)

    async def statistics(self) -> EngineStatistics:
        counts = await self.inner.statistics()
        assert self.meter.use is not None
        return replace(counts, kv_usage=self.meter.use.blocks / (self._blocks - 1))


def found(seconds: float, mean: float, *, blocks: int = BLOCKS) -> Found:
    use = BlocksInUse(blocks=blocks - 1, seconds=1, peak=2 * mean)
    use._block_seconds = mean
    return Found(
        problems=2,
        fraction=1,
        seconds=seconds,
        steps=48,
        usage=Usage(prompt_tokens=500, cached_tokens=400, generated_tokens=1_000),
        solved=1,
        use=use,
        kept=mean / 2,
    )


def test_made_up_steps_are_as_much_alike_as_recorded_ones() -> None:
    world = World()
    different: dict[int, list[int]] = defaultdict(list)
    logarithms: list[float] = []
    apart: list[float] = []
    alike: list[float] = []
    for problem in range(200):
        for depth in range(4):
            before = [Drawn("", True, 0.5, 10)] * depth
            steps = [world.step(f"{problem}", f"{depth}/{n}", before) for n in range(8)]
            different[depth].append(len({step.meaning for step in steps}))
            logarithms += [math.log(step.tokens) for step in steps]
            for one, other in combinations(steps, 2):
                pairs = alike if one.meaning == other.meaning else apart
                pairs.append(math.log(one.tokens / other.tokens) ** 2 / 2)
    assert fmean(different[0]) == pytest.approx(2.2, abs=0.3)
    assert all(fmean(different[depth]) == pytest.approx(3.75, abs=0.3) for depth in (1, 2, 3))
    assert fmean(logarithms) == pytest.approx(3.73, abs=0.1)
    assert stdev(logarithms) == pytest.approx(0.73, abs=0.07)
    assert math.sqrt(fmean(apart)) == pytest.approx(0.59, abs=0.06)
    assert math.sqrt(fmean(alike)) == pytest.approx(0.07, abs=0.02)


def test_noise_moves_rewards_and_nothing_else() -> None:
    quiet, loud = (World(noise=noise).step("p", "step-3", ()) for noise in (0.0, 0.3))
    assert replace(loud, reward=0) == replace(quiet, reward=0)
    assert quiet.reward in (0.5, 0.65)
    assert loud.reward != quiet.reward
    assert Drawn.all_in(f"{quiet}{loud}")[0] == quiet


def test_what_follows_a_wrong_step_is_wrong() -> None:
    wrong = Drawn("d1r0", False, 0.5, 10)
    assert not any(World().step("p", f"{n}", [wrong]).right for n in range(50))
    assert any(World().step("p", f"{n}", [replace(wrong, right=True)]).right for n in range(50))


def test_steps_with_one_meaning_are_within_the_distance_of_ets() -> None:
    steps = [Drawn(meaning, True, reward, 9) for meaning in "ab" for reward in (0.1, 0.2)]
    vectors = anyio.run(KnownMeanings().embed, [str(step) for step in steps])
    distances = 1 - vectors @ vectors.T
    assert max(distances[0, 1], distances[2, 3]) < 0.05
    assert distances[:2, 2:].min() > 0.5


def test_blocks_are_looked_at_while_calls_run() -> None:
    class Scripted(FakeEngine):
        async def statistics(self) -> EngineStatistics:
            # Half of the cache for a second, then all of it for a second, then idle.
            now = anyio.current_time()
            usage = 0.5 if now <= 1 else 1.0
            return EngineStatistics(
                running=int(now <= 2),
                waiting=3,
                kv_usage=usage,
                prompt_tokens=0,
                generated_tokens=0,
            )

    async def main() -> BlocksInUse:
        async with blocks_in_use(Scripted(), 101, interval=0.25) as use:
            await anyio.sleep(4.1)
        return use

    use = run_virtually(main)
    assert (use.seconds, use.mean, use.peak) == (2, 75, 100)
    assert (use.running, use.waiting) == (1, 3)


def test_the_engines_count_is_forkjoins_own() -> None:
    async def main() -> tuple[Found, MeteredEngine]:
        engine = Counting(BLOCKS)
        return await searched(engine, Rebase(), LOAD, "run"), engine.meter

    run, meter = run_virtually(main)
    assert meter.use is not None
    assert run.use.mean == pytest.approx(meter.use.mean, rel=0.05)
    assert meter.use.peak >= run.use.peak > 0.9 * meter.use.peak
    assert run.steps == LOAD.problems * WIDTH * DEPTH
    assert run.tokens_per_second == run.usage.generated_tokens / run.seconds


def test_rules_that_keep_less_take_less() -> None:
    async def main(rule: Beam | Independent) -> Found:
        return await searched(Counting(BLOCKS), rule, LOAD, "run")

    one, all_of_them = (
        run_virtually(lambda: main(rule))  # noqa: B023
        for rule in (Beam(beam_width=WIDTH), Independent())
    )
    assert one.kept is not None
    assert all_of_them.kept is not None
    assert one.kept * 2 < all_of_them.kept
    assert one.use.mean < all_of_them.use.mean


def test_searches_without_barriers_take_steps_as_they_come() -> None:
    # Of steps that differ enough in their lengths.
    load = replace(LOAD, world=World(depth=6))

    async def main(fraction: float) -> Found:
        return await searched(Counting(BLOCKS), Rebase(), load, "run", fraction)

    free, waves = (run_virtually(lambda: main(fraction)) for fraction in (0.5, 1.0))  # noqa: B023
    assert free.kept is None
    assert free.seconds < waves.seconds


@pytest.mark.parametrize("tokens", [range(10), range(100)], ids=["some", "all"])
def test_an_engine_that_says_less_than_asked_is_noticed(tokens: range) -> None:
    def short(context: Context, sampling: Sampling) -> str:
        return exactly(context, sampling)[: -1 if sampling.max_tokens in tokens else None]

    async def main() -> Found:
        return await searched(Counting(BLOCKS, short), Rebase(), LOAD, "run")

    with pytest.raises(ForkjoinError, match="tokens"):
        run_virtually(main)


def test_steps_that_are_lost_are_noticed() -> None:
    def dying(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if context.path.count("step-") == DEPTH:
            return EngineDead("gone")
        return exactly(context, sampling)

    async def main() -> Found:
        return await searched(Counting(BLOCKS, dying), Rebase(), LOAD, "run")

    with pytest.raises(Mismeasured, match=r"tokens|lost"):
        run_virtually(main)


def test_figures_are_ratios_with_their_goals() -> None:
    base, own = [found(30, 400), found(32, 400)], [found(20, 200), found(20, 200)]
    blocks = fewer_blocks("ETS", own, base, "REBASE", 1.8)
    assert (blocks.value, blocks.reached) == (2.0, True)
    assert "200 beside 400 blocks for 2 searches, peak 400 beside 800 (2.00x)" in blocks.detail
    rate = sooner("ETS", own, base, "REBASE", 1.4)
    assert rate.value == pytest.approx((1.5 + 1.6) / 2)
    assert rate.what.endswith("in 1,000 blocks")
    assert rate.detail.startswith("6.0 beside 3.9 a minute, 50 beside 32 tokens/s")


def test_blocks_are_not_compared_where_the_cache_was_full() -> None:
    with pytest.raises(Mismeasured, match="98%"):
        fewer_blocks("ETS", [found(1, 100)], [found(1, 490)], "REBASE")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a search takes in virtual time hangs on what a solver finds in real time."""
    monkeypatch.setattr(searches, "_ENOUGH", math.inf)


def measured(opened: Any) -> Sequence[Figure]:
    async def main() -> Sequence[Figure]:
        async with Engines(opened, None, {}) as engines:
            return await searches.measure(
                Setting(engines=engines, model="", small=True, say=lambda text: None)
            )

    return run_virtually(main)


def test_the_table_has_every_rule_and_both_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    # A fake is slow: its tokens are characters.
    monkeypatch.setattr(searches, "_MOST_UNDER_CAP", math.inf)
    options: list[dict[str, Any]] = []

    @asynccontextmanager
    async def opened(model: str | None, **given: Any) -> AsyncIterator[Engine]:
        options.append(given)
        yield Counting(given["num_gpu_blocks_override"])

    figures = measured(opened)
    assert [given["num_gpu_blocks_override"] for given in options] == [256, 40]
    whats = [figure.what.partition(":")[0] for figure in figures]
    rules = [name for name in searches.RULES if name != searches.BASELINE]
    free = [f"{name}, waves wait for 75%" for name in searches.BARRIER_FREE]
    noisy = [f"ETS, noise {noise:g}" for noise in searches.OTHER_NOISE]
    assert whats == [*rules, *free, *noisy, "REBASE", "ETS", "ETS", searches.PAPER]
    assert [figure.goal for figure in figures if figure.goal] == [1.8, 1.8, 1.4, 1.4]
    # The engine tells what a meter counts.
    metered = [figure for figure in figures if "meter" in figure.what]
    assert [figure.value for figure in metered] == pytest.approx([1, 1], abs=0.05)


def test_what_had_room_is_kept_where_the_small_cache_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @asynccontextmanager
    async def opened(model: str | None, **given: Any) -> AsyncIterator[Engine]:
        yield Counting(given["num_gpu_blocks_override"])

    monkeypatch.setattr(searches, "_MOST_UNDER_CAP", 1.0)
    with pytest.raises(Incomplete, match="with 40 blocks: more than 1 s") as caught:
        measured(opened)
    assert len(caught.value.figures) >= len(searches.RULES) - 1 + len(searches.BARRIER_FREE) + 2


def test_what_had_room_is_kept_where_the_small_cache_fails() -> None:
    @asynccontextmanager
    async def opened(model: str | None, **given: Any) -> AsyncIterator[Engine]:
        if given["num_gpu_blocks_override"] < 100:
            raise EngineDead("no such cache")
        yield Counting(given["num_gpu_blocks_override"])

    with pytest.raises(Incomplete, match="no such cache") as caught:
        measured(opened)
    assert len(caught.value.figures) == len(searches.RULES) - 1 + len(searches.BARRIER_FREE) + 2


def test_questions_begin_with_what_no_other_has() -> None:
    async def main() -> set[str]:
        engine = Counting(BLOCKS)
        for name in ("a", "b"):
            await searched(engine, Rebase(), replace(LOAD, problems=1), name)
        fake = engine.meter.inner
        assert isinstance(fake, FakeEngine)
        marks = {call.context.turns[0].text[:8] for call in fake.calls}
        unasked = await converse(engine, [("system", "Think in steps.")])
        assert unasked.turns[0].text == "Think in steps."
        return marks

    assert len(run_virtually(main)) == 2
