"""What parts are given: one engine at a time, kept open as long as its options are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.gpu.part import Engines, Setting
from engines import Engine, EngineDead, EngineError, FakeEngine, Sampling, converse
from tests.backends import run_virtually


class Opener:
    """Notes what is opened and closed; may fail."""

    def __init__(self) -> None:
        self.opened: list[tuple[str | None, dict[str, Any]]] = []
        self.open = 0
        self.failing = False

    @asynccontextmanager
    async def __call__(self, model: str | None, **options: Any) -> AsyncIterator[Engine]:
        if self.failing:
            raise EngineError("no room")
        self.opened.append((model, dict(options)))
        self.open += 1
        async with FakeEngine() as engine:
            yield engine
        self.open -= 1


def test_an_engine_is_kept_for_equal_options_and_closed_for_others() -> None:
    opener = Opener()

    async def main() -> None:
        async with Engines(opener, "model", {}) as engines:
            first = await engines.get(max_num_seqs=8)
            assert await engines.get(max_num_seqs=8) is first
            assert len(opener.opened) == 1
            other = await engines.get(max_num_seqs=9)
            assert other is not first
            assert opener.open == 1
            context = await converse(other, [("user", "?")])
            with pytest.raises(EngineDead):
                await first.generate(context, Sampling())
            await engines.close()
            assert opener.open == 0
            await engines.get(max_num_seqs=9)
        assert opener.open == 0

    run_virtually(main)
    assert opener.opened == [("model", {"max_num_seqs": number}) for number in (8, 9, 9)]


def test_an_engine_that_cannot_be_opened_leaves_nothing_open() -> None:
    opener = Opener()

    async def main() -> None:
        async with Engines(opener, None, {}) as engines:
            await engines.get(max_num_seqs=8)
            opener.failing = True
            with pytest.raises(EngineError):
                await engines.get(max_num_seqs=9)
            assert opener.open == 0
            opener.failing = False
            await engines.get(max_num_seqs=9)
            assert opener.open == 1

    run_virtually(main)


def test_what_the_caller_wants_goes_before_what_a_part_wants_and_that_before_the_usual() -> None:
    opener = Opener()

    async def main() -> None:
        async with Engines(opener, None, {"dtype": "float16"}) as engines:
            setting = Setting(engines=engines, model="model", small=True)
            await setting.engine(dtype="float32", max_num_seqs=5)

    run_virtually(main)
    assert opener.opened[0][1] == {**SMALL, "dtype": "float16", "max_num_seqs": 5}


SMALL = {"max_model_len": 8192, "max_num_seqs": 64}
