"""Asks once for each key, and shares the result with everybody who asks meanwhile and later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any

import anyio


class Memo:
    """What has been asked. What fails is not kept: the next who waits asks for himself."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}
        self._asking: dict[Hashable, anyio.Event] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The result for the key; raises what `ask` raises."""
        while key not in self._results:
            if key in self._asking:
                await self._asking[key].wait()
                continue
            ended = self._asking[key] = anyio.Event()
            try:
                self._results[key] = await ask()
            finally:
                del self._asking[key]
                ended.set()
        return self._results[key]
