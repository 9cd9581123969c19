"""How many requests are answered at once, and how many wait for that.

    enter ── a place is free ─────────> answered
      ├───── room in the line ── waits ──^
      └───── the line is full ────────> LineFull

It does not know what a request is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class LineFull(Exception):
    """So many wait already that a further one is sent away."""


class Admission:
    """Lets in as many as there are places, in the order in which they came.

    Args:
        places: How many at once.
        line: How many may wait.
    """

    def __init__(self, places: int, line: int) -> None:
        self._places = places
        self._line = line
        self._free = anyio.Semaphore(places, fast_acquire=True)
        self._waiting = 0

    @property
    def running(self) -> int:
        """How many are in."""
        return self._places - self._free.value

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for as long as the block lasts.

        Raises:
            LineFull: Too many wait already.
        """
        if self._free.value == 0 and self._waiting >= self._line:
            raise LineFull
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
