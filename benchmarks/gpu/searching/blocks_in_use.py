"""The KV blocks that an engine says are in use, looked at again and again while something runs.

    kv_usage x blocks │    ┌──┐          the mean is over the time in which calls run
                      │ ┌──┘  └─────┐    the peak is the most that was seen: a shorter one may be missed
                      └─┴──┬─────┬──┴──> time

vLLM counts what calls that run hold, each block once however many share it. What it keeps in its cache after a call has
ended, until something needs the room, does not count.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from engines import Engine

_SECONDS = 0.02


@dataclass(slots=True, kw_only=True)
class BlocksInUse:
    """What was seen so far.

    Attributes:
        blocks: Those that there are.
        seconds: How long calls were running.
        peak: The most blocks in use.
    """

    blocks: int
    seconds: float = 0.0
    peak: float = 0.0
    _block_seconds: float = field(default=0.0, init=False, repr=False)
    _running: float = field(default=0.0, init=False, repr=False)
    _waiting: float = field(default=0.0, init=False, repr=False)

    @property
    def mean(self) -> float:
        """Blocks in use on average."""
        return self._block_seconds / self.seconds if self.seconds else 0.0

    @property
    def running(self) -> float:
        """Calls that ran, on average."""
        return self._running / self.seconds if self.seconds else 0.0

    @property
    def waiting(self) -> float:
        """Calls that waited for room, on average; those that lost their room after they had begun are among them."""
        return self._waiting / self.seconds if self.seconds else 0.0

    async def look(self, engine: Engine, interval: float) -> None:
        """Looks until it is cancelled."""
        before = anyio.current_time()
        while True:
            await anyio.sleep(interval)
            now = anyio.current_time()
            counts = await engine.statistics()
            if counts.running:
                # A busy event loop comes late, and what it sees then stands for longer.
                passed = now - before
                used = counts.kv_usage * self.blocks
                self.seconds += passed
                self.peak = max(self.peak, used)
                self._block_seconds += used * passed
                self._running += counts.running * passed
                self._waiting += counts.waiting * passed
            before = now


@asynccontextmanager
async def blocks_in_use(
    engine: Engine, override: int, interval: float = _SECONDS
) -> AsyncIterator[BlocksInUse]:
    """Looks at an engine while the block runs.

    Args:
        engine: With nothing else to do.
        override: The blocks that it was opened with (`num_gpu_blocks_override`). vLLM keeps one of them for itself.
        interval: Seconds between two looks.
    """
    use = BlocksInUse(blocks=override - 1)
    async with anyio.create_task_group() as group:
        group.start_soon(use.look, engine, interval)
        yield use
        group.cancel_scope.cancel()
