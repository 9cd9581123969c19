"""An engine for work that can wait: judges, speculation, batches.

It marks its calls; limiters, pools and the engine serve them after ordinary ones (after FlexLLM, which serves
such work in the gaps that interactive work leaves).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper


class BackgroundEngine(EngineWrapper):
    """Serves its calls at a low priority.

    Args:
        inner: The engine.
        priority: What its calls get, unless they have a later one already. Lower is served earlier; ordinary work
            has 0.
    """

    def __init__(self, inner: Engine, priority: int = 10) -> None:
        super().__init__(inner)
        self._priority = priority

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream, served later."""
        later = replace(delivery, priority=max(delivery.priority, self._priority))
        return self.inner.stream(context, sampling, later)
