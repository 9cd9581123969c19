"""The requests that a server works on, so that it can end: it takes no more, waits for these, and cancels the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio


class Stoppable(Protocol):
    """What is worked on."""

    def stop(self) -> None:
        """Ends it soon."""
        ...


class OpenExchanges:
    """What is worked on now.

    Attributes:
        closed: Whether nothing more is to be begun.
    """

    def __init__(self) -> None:
        self.closed = False
        self._open: set[Stoppable] = set()
        self._none = anyio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def holding(self, exchange: Stoppable) -> Iterator[None]:
        """Counts it for as long as the block lasts."""
        if not self._open:
            self._none = anyio.Event()
        self._open.add(exchange)
        try:
            yield
        finally:
            self._open.discard(exchange)
            if not self._open:
                self._none.set()

    async def wait_none(self) -> None:
        """Waits until nothing is worked on."""
        await self._none.wait()

    def stop(self) -> None:
        """Ends all of them soon."""
        for exchange in tuple(self._open):
            exchange.stop()
