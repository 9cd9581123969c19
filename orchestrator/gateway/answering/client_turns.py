"""Calls of many clients within one limit: clients take turns, and of one client its requests do.

    ClientLimiter("a") ── slot of "a/run-1" ──┐
    ClientLimiter("a") ── slot of "a/run-2" ──┼─> CallLimiter(limit, ClientTurns())
    ClientLimiter("b") ── slot of "b/run-3" ──┘

Without the first turn, who asks most would get most; without the second, short calls would wait for ever behind long
ones that keep coming.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from engines import CallLimiter, FairQueue, ReadyQueue
from engines.wrappers.limiter import LimiterStatistics

T = TypeVar("T")

_BETWEEN = "/"


class ClientTurns(ReadyQueue[T]):
    """Clients take turns, each with the request of its own that was served least; owners are `client/request`.

    >>> turns = ClientTurns()
    >>> for item, owner in (("a1", "a/1"), ("a2", "a/1"), ("b1", "a/2"), ("c1", "c/1"), ("c2", "c/1")):
    ...     turns.push(item, owner=owner)
    >>> [turns.pop() for _ in range(5)]
    ['a1', 'c1', 'b1', 'c2', 'a2']
    """

    def __init__(self) -> None:
        self._clients: FairQueue[str] = FairQueue()
        self._requests: dict[str, FairQueue[T]] = {}

    def push(self, item: T, *, priority: float = 0, owner: str = "") -> None:
        """Adds an item to those of its request."""
        client, _, request = owner.partition(_BETWEEN)
        self._clients.push(client, owner=client)
        if client not in self._requests:
            self._requests[client] = FairQueue()
        self._requests[client].push(item, priority=priority, owner=request)

    def pop(self) -> T:
        """Takes the next item of the client whose turn it is."""
        client = self._clients.pop()
        requests = self._requests[client]
        item = requests.pop()
        if not len(requests):
            del self._requests[client]
        return item

    def __len__(self) -> int:
        return len(self._clients)


class ClientLimiter(CallLimiter):
    """A limiter that clients share, as the requests of one of them use it. Somebody else lets the shared one adapt.

    Args:
        shared: Whose slots these are.
        client: Who waits.
    """

    def __init__(self, shared: CallLimiter, client: str) -> None:
        super().__init__(shared.statistics().limit)
        self._shared = shared
        self._client = client

    def slot(self, *, owner: str = "", priority: float = 0) -> AbstractAsyncContextManager[None]:
        """A slot of the shared limiter."""
        name = f"{self._client}{_BETWEEN}{owner}"
        return self._shared.slot(owner=name, priority=priority)

    def statistics(self) -> LimiterStatistics:
        """The shared limiter's."""
        return self._shared.statistics()
