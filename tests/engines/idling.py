"""An engine that nothing runs on any more."""

from __future__ import annotations

import anyio

from engines import Engine, EngineStatistics


async def idle(engine: Engine) -> EngineStatistics:
    """The engine's counts once nothing runs; it tells them with its next step."""
    statistics = await engine.statistics()
    with anyio.move_on_after(60):
        while statistics.running or statistics.waiting:
            await anyio.sleep(0.02)
            statistics = await engine.statistics()
    return statistics
