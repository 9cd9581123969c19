from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from statistics import fmean, median

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, EngineStatistics, EngineUnavailable, FakeEngine, Sampling, Segment
from engines.errors import UsageError
from engines.width.adaptive_limiter import AdaptiveLimiter
from engines.width.controller import Measurement, WidthController
from engines.width.kv_room import KvRoom
from engines.width.policy import WidthPolicy
from engines.width.rates import Rates
from engines.width.search import WidthSearch
from engines.wrappers.limiter import LimitedEngine
from tests.backends import run_virtually
from tests.engines.width_model import CrowdedEngine, Curve, Sample


def peak(at: float, rise: float, fall: float) -> Curve:
    """Throughput that rises by a power to a peak, and falls by one behind it."""
    return lambda n: 26_000 * ((n / at) ** rise if n <= at else (at / n) ** fall)


def saturating(half: float) -> Curve:
    return lambda n: 30_000 * n / (n + half)


def crowded_out(full: float, curve: Curve) -> Curve:
    """Throughput where calls beyond `full` are preempted, and computed again."""
    return lambda n: curve(n) if n <= full else curve(full) * (full / n) ** 1.5


# As measured on an H100: 26k tokens/s at 256, 23k at 512, 20k at 1024.
H100 = peak(256, rise=0.6, fall=0.17)
SMALL = peak(64, rise=0.7, fall=0.3)
FLAT = saturating(60)
FULL_AT_400 = crowded_out(400, saturating(300))


def started_at(start: int) -> WidthController:
    return WidthController(WidthPolicy(start=start))


def best_of(curve: Curve) -> float:
    return max(curve(width) for width in range(8, 1025))


def share_of_best(samples: list[Sample], curve: Curve, after: float) -> float:
    """What was generated, against what the best width would have given."""
    return fmean(s.throughput for s in samples if s.seconds > after) / best_of(curve)


def seconds_to_find(samples: list[Sample], curve: Curve) -> float:
    """When it first went to a width within 10 % of the best."""
    good = (s.seconds for s in samples if curve(s.width) >= 0.9 * best_of(curve))
    return next(good, math.inf)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("start", [64, 128, 1024])
def test_it_finds_the_peak_within_a_minute_and_stays_near_it(start: int, seed: int) -> None:
    samples = CrowdedEngine(H100, seed=seed).run(started_at(start), 240)
    assert seconds_to_find(samples, H100) < 60
    assert share_of_best(samples, H100, after=60) >= 0.9
    assert 180 <= median(s.width for s in samples if s.seconds > 60) <= 362


@pytest.mark.parametrize(
    ("curve", "kv_calls", "start", "settled"),
    [
        (SMALL, 10_000, 64, 60),
        (SMALL, 10_000, 256, 60),
        (FLAT, 10_000, 64, 60),
        (FLAT, 10_000, 1024, 60),
        (FULL_AT_400, 400, 64, 60),
        (FULL_AT_400, 400, 256, 60),
        # It takes as long for the 1024 to end, of which 400 run at a time.
        (FULL_AT_400, 400, 1024, 180),
    ],
)
def test_it_finds_other_peaks(curve: Curve, kv_calls: int, start: int, settled: float) -> None:
    for seed in range(4):
        samples = CrowdedEngine(curve, kv_calls=kv_calls, seed=seed).run(started_at(start), 300)
        assert seconds_to_find(samples, curve) < 60
        assert share_of_best(samples, curve, after=settled) >= 0.9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("before", "then"), [(SMALL, H100), (H100, SMALL), (FLAT, H100)])
def test_it_follows_a_change(before: Curve, then: Curve, seed: int) -> None:
    engine, controller = CrowdedEngine(before, seed=seed), WidthController()
    engine.run(controller, 90)
    engine.throughput = then
    samples = engine.run(controller, 300)
    assert share_of_best(samples, then, after=90 + 90) >= 0.88


@pytest.mark.parametrize("kv_calls", [100, 400])
def test_calls_are_not_crowded_out_of_the_kv_cache(kv_calls: int) -> None:
    curve = crowded_out(kv_calls, saturating(2000))
    samples = CrowdedEngine(curve, kv_calls=kv_calls, noise=0).run(started_at(64), 240)
    assert kv_calls * 0.85 <= samples[-1].width <= kv_calls
    assert max(sample.width for sample in samples) <= kv_calls


def test_a_full_kv_cache_is_left_at_once() -> None:
    controller = started_at(1024)
    assert 350 <= controller.observe(measurement(0, 0, in_flight=1024, running=400, kv=1)) <= 380


def test_a_plateau_is_not_climbed_further_than_it_pays() -> None:
    samples = CrowdedEngine(lambda n: 20_000 * min(1, n / 128), noise=0).run(started_at(64), 120)
    assert samples[-1].width == 128


@pytest.mark.parametrize("demand", [0, 1, 63, 127])
def test_without_demand_nothing_is_learned(demand: int) -> None:
    controller = started_at(128)
    for second in range(200):
        controller.observe(measurement(second, second * 100 * demand, in_flight=demand))
    assert controller.width == 128
    assert controller.statistics().rates == {}


def test_what_still_drains_is_not_measured() -> None:
    controller = started_at(128)
    for second in range(50):
        controller.observe(measurement(second, second * 1000, in_flight=400))
    assert controller.statistics().rates == {}


def test_the_first_window_at_a_width_is_no_measure_of_it() -> None:
    controller = started_at(128)
    for second, count in enumerate([0, 9999, 10_999, 11_999]):
        controller.observe(measurement(second, count, in_flight=128))
    assert controller.statistics().rates == {128: 1000}


def test_where_the_world_has_changed_the_search_begins_anew() -> None:
    search = WidthSearch(WidthPolicy(start=64, narrowest=32, widest=512))

    def visited(rate: Curve, steps: int) -> list[int]:
        widths = [search.choose(64, math.inf, math.inf)]
        for _ in range(steps):
            search.learn(widths[-1], rate(widths[-1]), 1)
            widths.append(search.choose(widths[-1], math.inf, math.inf))
        return widths

    visited(lambda n: 1000 * min(n / 64, 64 / n), 30)
    assert search.resting
    assert list(dict.fromkeys(visited(lambda n: 10.0 * n, 40))) == [64, 128, 256, 512, 362, 431]


def test_a_server_that_counts_from_zero_again_is_no_measurement() -> None:
    controller = started_at(128)
    tokens = [0, 5000, 10_000, 100, 5100]
    for second, count in enumerate(tokens):
        controller.observe(measurement(second, count, in_flight=128))
    assert controller.statistics().rates == {128: 5000}


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 10), st.integers(-100, 10**6), st.integers(0, 2000), st.floats(0, 1)
        ),
        max_size=60,
    )
)
def test_the_width_stays_within_its_bounds(steps: list[tuple[float, int, int, float]]) -> None:
    controller = WidthController(WidthPolicy(narrowest=20, start=50, widest=300, patience=5))
    seconds, tokens = 0.0, 0
    for elapsed, generated, in_flight, kv in steps:
        seconds, tokens = seconds + elapsed, tokens + generated
        busy = replace(measurement(seconds, tokens, in_flight=in_flight, kv=kv), waiting=500)
        assert 20 <= controller.observe(busy) <= 300


@pytest.mark.parametrize(
    "bounds", [{"narrowest": 0}, {"start": 4}, {"start": 5000}, {"narrowest": 9, "widest": 8}]
)
def test_widths_out_of_order_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="narrowest <= start <= widest"):
        WidthPolicy(**bounds)


def test_a_width_near_the_best_is_measured_more_often() -> None:
    rates = Rates()
    for width, rate, needed in ((100, 1000.0, 6), (50, 850.0, 3), (25, 100.0, 1), (99, 990.0, 6)):
        for _ in range(needed):
            assert not rates.is_known(width)
            rates.add(width, rate)
        assert rates.is_known(width)
    rates.begin_round()
    assert not any(rates.is_known(width) for width in (25, 50, 99, 100))
    rates.add(50, 870.0)
    assert rates.of(50) == pytest.approx(850, rel=0.01)
    rates.begin_round()
    assert list(rates.by_width()) == [50]


def test_an_outlier_changes_nothing_and_a_change_everything() -> None:
    rates = Rates()
    rates.add(50, 700.0)
    for rate in (1000.0, 1010, 990, 5000, 1000, 1000, 20, 1000, 1000):
        assert not rates.add(100, rate)
    assert rates.of(100) == pytest.approx(1000, rel=0.01)
    assert [rates.add(100, 400.0) for _ in range(2)] == [False, True]
    assert rates.by_width() == {100: pytest.approx(400, rel=0.6)}


def test_the_room_in_the_kv_cache_is_the_middle_of_what_was_seen() -> None:
    room = KvRoom()
    assert room.calls(0.9) == math.inf
    room.add(0, 0.5)
    assert room.calls(0.9) == math.inf
    for calls, usage in ((100, 0.5), (200, 0.9), (10, 1.0)):
        room.add(calls, usage)
    assert room.calls(1) == pytest.approx(200)


class Crowd(FakeEngine):
    """Calls of 200 tokens, which share a throughput that is best with 32 of them."""

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.tokens = 0
        self.in_flight = 0

    async def _serve(self, context: Context, sampling: Sampling) -> str:
        self.in_flight += 1
        for _ in range(4):
            await anyio.sleep(50 * self.in_flight / peak(32, 0.8, 0.6)(self.in_flight) * 8)
            self.tokens += 50
        self.in_flight -= 1
        return "ok"

    async def statistics(self) -> EngineStatistics:
        return EngineStatistics(
            running=self.in_flight,
            waiting=0,
            kv_usage=0,
            prompt_tokens=0,
            generated_tokens=self.tokens,
        )


@pytest.mark.parametrize("start", [8, 128])
def test_a_limiter_finds_the_width_of_its_engine_by_itself(start: int) -> None:
    async def main() -> AdaptiveLimiter:
        crowd = Crowd()
        controller = WidthController(WidthPolicy(narrowest=4, widest=128, start=start))
        limiter = AdaptiveLimiter(crowd, controller)
        engine = LimitedEngine(crowd, limiter)
        with anyio.move_on_after(120):
            async with anyio.create_task_group() as group:
                group.start_soon(limiter.adapt)
                for _ in range(200):
                    group.start_soon(generate_forever, engine)
        return limiter

    limiter = run_virtually(main)
    rates = limiter.controller.statistics().rates
    assert 24 <= max(rates, key=rates.__getitem__) <= 45
    assert 16 <= limiter.statistics().limit <= 64
    assert limiter.statistics().running == limiter.statistics().waiting == 0


@pytest.mark.parametrize("clients", [50, 64])
def test_a_width_that_all_calls_fit_into_is_measured_and_left_too(clients: int) -> None:
    async def main() -> int:
        crowd = Crowd()
        controller = WidthController(WidthPolicy(narrowest=4, widest=128, start=16))
        limiter = AdaptiveLimiter(crowd, controller)
        with anyio.move_on_after(240):
            async with anyio.create_task_group() as group:
                group.start_soon(limiter.adapt)
                for _ in range(clients):
                    group.start_soon(generate_forever, LimitedEngine(crowd, limiter))
        return limiter.statistics().limit

    assert 20 <= run_virtually(main) <= 45


async def generate_forever(engine: LimitedEngine) -> None:
    while True:
        await engine.generate(PROMPT, Sampling())


def measurement(
    seconds: float, tokens: int, *, in_flight: int, running: int | None = None, kv: float = 0
) -> Measurement:
    return Measurement(
        seconds=seconds,
        tokens=tokens,
        in_flight=in_flight,
        waiting=0,
        running=in_flight if running is None else running,
        kv_usage=kv,
    )


PROMPT = Context(Segment("user", "question", tuple(map(ord, "question"))), name="root")


class Asked(FakeEngine):
    """Notes when it is asked what it does, and answers with `answer`.

    Its calls take 10 s each, and its limiter lets 8 run.
    """

    def __init__(self, answer: Callable[[int], Awaitable[None]] | None = None) -> None:
        super().__init__("ok", latency=10)
        self.times: list[float] = []
        self.limiter = AdaptiveLimiter(
            self, WidthController(WidthPolicy(narrowest=8, start=8, widest=8))
        )
        self._answer = answer

    async def statistics(self) -> EngineStatistics:
        self.times.append(anyio.current_time())
        if self._answer is not None:
            await self._answer(len(self.times))
        return await super().statistics()

    async def call(self, count: int) -> None:
        async with anyio.create_task_group() as group:
            for i in range(count):
                group.start_soon(
                    LimitedEngine(self, self.limiter).generate, PROMPT.fork(str(i)), Sampling()
                )


def test_it_measures_at_every_interval_in_which_all_slots_are_taken() -> None:
    async def main() -> list[float]:
        engine = Asked()
        with anyio.move_on_after(60):
            async with anyio.create_task_group() as group:
                # Two runs that share it measure once.
                group.start_soon(engine.limiter.adapt)
                group.start_soon(engine.limiter.adapt)
                await anyio.sleep(30)
                group.start_soon(engine.call, 9)
        return engine.times

    # None is taken before, and one of eight once the first eight have ended at 40.
    assert run_virtually(main) == [*range(31, 42)]


def test_a_run_that_ends_leaves_the_measuring_to_the_others() -> None:
    async def main() -> list[float]:
        engine = Asked()
        async with anyio.create_task_group() as group:
            group.start_soon(engine.limiter.adapt)
            await anyio.sleep(1)
            with anyio.move_on_after(1):
                await engine.limiter.adapt()
            await engine.call(9)
            group.cancel_scope.cancel()
        return engine.times

    assert run_virtually(main) == [*range(3, 14)]


def test_an_engine_that_does_not_say_what_it_does_changes_nothing() -> None:
    async def answer(number: int) -> None:
        if number % 2:
            await anyio.sleep_forever()
        raise EngineUnavailable("nothing answers")

    async def main() -> tuple[float, list[float]]:
        engine = Asked(answer)
        async with anyio.create_task_group() as group:
            group.start_soon(engine.limiter.adapt)
            await engine.call(9)
            ended = anyio.current_time()
            group.cancel_scope.cancel()
        assert engine.limiter.statistics().limit == 8
        return ended, engine.times

    # Who asks waits no longer than an interval for each answer, and no call waits for it at all.
    assert run_virtually(main) == (20, [1, 3, 4, 6, 7, 9, 10])


def test_where_nobody_measures_the_limit_stays_and_the_engine_is_not_asked() -> None:
    async def main() -> list[float]:
        engine = Asked()
        await engine.call(40)
        assert engine.limiter.statistics().limit == 8
        return engine.times

    assert run_virtually(main) == []


def test_a_bug_in_the_statistics_of_an_engine_comes_out_of_who_measures() -> None:
    async def answer(number: int) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        engine = Asked(answer)
        async with anyio.create_task_group() as group:
            group.start_soon(engine.call, 9)
            with pytest.raises(ZeroDivisionError):
                await engine.limiter.adapt()

    run_virtually(main)
