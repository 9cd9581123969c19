"""How many samples are at work: as many as keep the engine busy, by the calls that they have open.

    calls of the engine are limited, not samples: one sample may have one call open, another one a hundred

    open calls < limit and a quarter ─> another sample begins
                                └─ no ─> wait until a call or a sample ends

It hears of calls as events, and knows no engine. What a sample's calls have come to is counted here too, those of
branches that failed or were pruned included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from engines import CallLimiter, Usage
from orchestrator import Event, GenerationFinished, GenerationStarted


@dataclass(slots=True)
class SampleCalls:
    """What the calls of one sample have come to.

    Attributes:
        usage: What those that have ended took.
        open: How many go on, or wait for their turn.
        failed: Whether the engine failed one of them.
        limited_by: What of the budget cut or refused one of them; None if none did.
    """

    usage: Usage = field(default_factory=Usage)
    open: int = 0
    failed: bool = False
    limited_by: str | None = None

    @property
    def weight(self) -> int:
        """The calls that it counts for: one while it has none, since it is about to make one."""
        return max(1, self.open)


class Workload:
    """The samples at work. Subscribe `hear` to the run's events.

    Args:
        limiter: Says how many calls may run at once.
    """

    def __init__(self, limiter: CallLimiter) -> None:
        self._limiter = limiter
        self._samples: dict[str, SampleCalls] = {}
        self._weight = 0
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._samples)

    async def wait_for_room(self) -> None:
        """Waits until the engine could do with another sample."""
        while self._weight >= self._enough:
            await self._changed.wait()

    @property
    def _enough(self) -> int:
        # Some calls have to wait: each slot is taken as soon as it is free, and a limit that adapts sees that it could
        # be higher.
        limit = self._limiter.statistics().limit
        return limit + limit // 4 + 1

    @contextmanager
    def sample(self, node: str) -> Iterator[SampleCalls]:
        """A sample at work, for the length of the block."""
        calls = self._samples[node] = SampleCalls()
        self._weight += calls.weight
        try:
            yield calls
        finally:
            del self._samples[node]
            self._weight -= calls.weight
            self._tell()

    def hear(self, event: Event) -> None:
        """Takes note of what happens to calls."""
        if not isinstance(event, GenerationStarted | GenerationFinished):
            return
        calls = self._samples.get(event.node)
        if calls is None:
            return
        before = calls.weight
        if isinstance(event, GenerationStarted):
            calls.open += 1
        else:
            calls.open -= 1
            calls.usage += event.usage
            if event.limited_by is not None:
                calls.limited_by = event.limited_by
            elif event.finish_reason == "failed":
                calls.failed = True
        self._weight += calls.weight - before
        if calls.weight < before:
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
