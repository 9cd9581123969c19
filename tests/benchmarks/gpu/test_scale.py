"""SCALE's part of the headline table, on a fake engine whose calls cost each other nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.parts import scale
from benchmarks.gpu.parts.scale import SHAPES, compared
from engines import Engine, FakeEngine
from planners import SCALE
from tests.backends import run_virtually

PLANNER = SCALE(
    outlines=3,
    easy_tokens=10,
    hard_method="chain-of-thought",
    least_hard_tokens=50,
    most_hard_tokens=50,
)
DIAMOND, CHAIN, WIDE = SHAPES


def paced() -> FakeEngine:
    return FakeEngine("x" * 10_000, seconds_per_token=1)


@pytest.mark.parametrize(
    ("shape", "path"),
    # Of steps, in tokens: hard, easy, last.
    [(DIAMOND, 10 + 50 + 50), (CHAIN, 10 + 50 + 10 + 50), (WIDE, 50 + 50)],
    ids=lambda given: getattr(given, "name", ""),
)
def test_the_orders_take_all_tokens_and_the_longest_chain(shape: scale.Shape, path: int) -> None:
    found = run_virtually(lambda: compared(paced(), PLANNER, shape, 1))
    [at_once], [serial] = found["rounds"], found["serial"]
    planning = len(shape.outline(1)) + 1 + 1
    assert at_once.planning == planning
    assert at_once.seconds == at_once.path == planning + path
    assert serial.seconds == serial.tokens == at_once.tokens
    hard = len(shape.hard) + 1
    assert serial.tokens - serial.planning == 50 * hard + 10 * (len(shape.needs) - hard)
    assert (serial.most, at_once.most) == (1, max(PLANNER.outlines, len(shape.needs) - 1))


def test_the_table_has_the_ratio_of_wall_times() -> None:
    @asynccontextmanager
    async def opened(model: str | None, **options: object) -> AsyncIterator[Engine]:
        yield paced()

    async def main() -> Sequence[Figure]:
        async with Engines(opened, None, {}) as engines:
            return await scale.measure(Setting(engines=engines, model="", small=True))

    [figure] = run_virtually(main)
    [at_once], [serial] = figure.data["rounds"], figure.data["serial"]
    assert figure.value == pytest.approx(serial["tokens"] / at_once["path"])
    assert figure.goal is None


def test_another_plan_than_the_outlines_is_noticed() -> None:
    # Nothing needs the second step, so that the last one is made to.
    lost = replace(DIAMOND, needs=[[], [], [1]])
    with pytest.raises(Mismeasured, match="need"):
        run_virtually(lambda: compared(paced(), PLANNER, lost, 1))
