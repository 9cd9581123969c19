"""What the engines in this process have in common: how they are opened and closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType

from .engine import Engine
from .portal import OpensOnPortal


class LocalEngine(OpensOnPortal[Engine]):
    """Opens and closes an engine in this process, by `async with` or `with`; see `local_engine`, `hogwild_engine`."""

    def __init__(self, start: Callable[[], Awaitable[Engine]]) -> None:
        self._start = start
        self._engine: Engine | None = None

    async def __aenter__(self) -> Engine:
        self._engine = await self._start()
        return self._engine

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._engine is not None:
            await self._engine.aclose()
