"""Who may run: a limited number of places, which nodes lend to others while they wait. Pure: no task, no clock.

take ─> run nodes ─> release      a worker
         │     ^
    lend v     │ finish           its node waits for other nodes, in one part of it or in many
         waits ┘

A place that becomes free goes first to those that come back, since they hold memory and others wait for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Place:
    """The right to run one node after another.

    Attributes:
        owner: Who gave it.
        waits: How many parts of the node wait for others; while there are any, the place is lent. A caller that has
            no place to lend counts as one that waits already.
        node: The node that runs, for messages.
    """

    owner: Places
    waits: int = 0
    node: str = ""


@dataclass(slots=True, eq=False)
class Wait:
    """One part of a node that waits; `go_on` is called once it may go on.

    Attributes:
        outside: Whether it waits for what no node brings, such as a person's answer.
    """

    place: Place
    go_on: Callable[[], None]
    outside: bool = False


class Places:
    """Places for as many nodes as the limit allows.

    >>> places = Places(1)
    >>> places.take(), places.take()
    (True, False)
    >>> wait = Wait(Place(places), lambda: print("it goes on"))
    >>> places.lend(wait)
    >>> places.take()
    True
    >>> places.finish(wait)
    >>> places.release()
    it goes on
    """

    def __init__(self, limit: float) -> None:
        self.taken = 0
        self._limit = limit
        self._lent: set[Place] = set()
        self._returning: deque[Wait] = deque()
        self._outside = 0

    @property
    def wanted(self) -> bool:
        """Whether a worker has to give up its place before it takes another node."""
        return bool(self._returning) or self.taken > self._limit

    @property
    def idle(self) -> bool:
        """Whether nobody runs, and nobody waits for what no node brings."""
        return not self.taken and not self._outside

    @property
    def stuck(self) -> list[str]:
        """The nodes that wait, if nobody is left for whom they could wait."""
        return sorted(place.node for place in self._lent) if self.idle else []

    def take(self) -> bool:
        """Takes a place if one is free."""
        free = self.taken < self._limit
        self.taken += free
        return free

    def release(self) -> None:
        """Gives up a place."""
        while self._returning and self.taken <= self._limit:
            wait = self._returning.popleft()
            self._go_on(wait)
            if not wait.place.waits:
                return
        self.taken -= 1

    def lend(self, wait: Wait) -> None:
        """A part of a node begins to wait."""
        self._outside += wait.outside
        wait.place.waits += 1
        if wait.place.waits == 1:
            self._lent.add(wait.place)
            self.release()

    def finish(self, wait: Wait) -> None:
        """What a part of a node waits for is there: it goes on, as soon as its node has a place again."""
        if wait.place.waits > 1 or self.take():
            self._go_on(wait)
        else:
            self._returning.append(wait)

    def abandon(self, wait: Wait) -> None:
        """A part of a node is cancelled while it waits: it goes on at once, if need be above the limit."""
        if wait in self._returning:
            self._returning.remove(wait)
        self._go_on(wait)
        self.taken += not wait.place.waits

    def _go_on(self, wait: Wait) -> None:
        self._outside -= wait.outside
        wait.place.waits -= 1
        if not wait.place.waits:
            self._lent.remove(wait.place)
        wait.go_on()
