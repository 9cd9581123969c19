"""The width that finds itself beside fixed ones, on a fake engine whose calls cost each other nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.parts.adaptive_width import SMALL, compared
from engines import FakeEngine, single_error
from tests.backends import run_virtually

TOKEN = 0.01
ENDLESS = "x" * 100


def test_the_best_fixed_width_is_found_and_so_is_the_adaptive_one() -> None:
    engine = FakeEngine(ENDLESS, seconds_per_token=TOKEN, chunk_tokens=2)

    async def main() -> list[Figure]:
        return await compared(engine, replace(SMALL, search=30))

    adaptive, searching = run_virtually(main)
    # As fast for each call, however many there are.
    rates = {str(width): pytest.approx(width / TOKEN, rel=0.05) for width in SMALL.widths}
    assert adaptive.data["fixed"] == rates
    assert adaptive.beside == "the best fixed width, 8 of 1, 2, 4, 8"
    assert adaptive.data["width"] == 8
    assert (adaptive.goal, searching.goal) == (0.95, None)
    assert adaptive.value == pytest.approx(1, rel=0.05)
    assert 0.25 < searching.value < 1


def test_an_engine_that_stands_still_is_noticed() -> None:
    async def main() -> list[Figure]:
        with single_error():
            return await compared(FakeEngine(ENDLESS, seconds_per_token=100), SMALL)

    with pytest.raises(Mismeasured, match="nothing"):
        run_virtually(main)
