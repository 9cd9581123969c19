"""Work that is done at the same time."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from engines import EngineError
from tests.backends import run_virtually
from training.evaluation.at_once import at_once
from training.evaluation.part import Table


async def made(title: str, seconds: float) -> Table:
    await anyio.sleep(seconds)
    return Table(title=title, headers=(), rows=[], notes=[], data={})


async def failing() -> Table:
    raise EngineError("no answer")


def test_they_take_as_long_as_the_slowest_and_keep_their_order() -> None:
    async def main() -> tuple[list[str], float]:
        start = anyio.current_time()
        tables = await at_once([partial(made, "slow", 3), partial(made, "fast", 1)])
        return [table.title for table in tables], anyio.current_time() - start

    titles, seconds = run_virtually(main)
    assert titles == ["slow", "fast"]
    assert seconds == 3


def test_one_that_fails_ends_the_others() -> None:
    async def main() -> None:
        with pytest.raises(EngineError, match="no answer"):
            await at_once([partial(made, "endless", 1e9), partial(failing)])
        assert anyio.current_time() < 1e9

    run_virtually(main)
