"""Counts the requests in flight to a server, and turns what closing the client does to them into one error."""

from __future__ import annotations

from types import TracebackType

from ..errors import EngineDead, EngineUnavailable


class Flights:
    """`with flights:` is a block in which one more request is in flight.

    Attributes:
        now: How many are in flight.
        total: How many there have been.
        peak: The most at once.
        closed: Set when no more may begin, and when connections end because of that.

    Raises:
        EngineDead: The client is closed, or was in the meantime.
    """

    def __init__(self) -> None:
        self.now = 0
        self.total = 0
        self.peak = 0
        self.closed = False

    def __enter__(self) -> None:
        if self.closed:
            raise EngineDead("the engine is closed: open a new one")
        self.now += 1
        self.total += 1
        if self.now > self.peak:
            self.peak = self.now

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.now -= 1
        if self.closed and isinstance(error, EngineUnavailable):
            raise EngineDead("the engine was closed: open a new one") from error
