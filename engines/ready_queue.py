"""What is served next, of what waits: three orders behind one interface. Pure: it knows no clock and no task.

FifoQueue        first come, first served
PriorityQueue    the smallest priority first, of equal ones the first that came
FairQueue        owners (such as runs) take turns; each has an order of its own inside
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class ReadyQueue(Protocol[T]):
    """Items that wait to be served."""

    def push(self, item: T, *, priority: float = 0, owner: str = "") -> None:
        """Adds an item."""
        ...

    def pop(self) -> T:
        """Takes the next item.

        Raises:
            IndexError: Nothing waits.
        """
        ...

    def __len__(self) -> int:
        """How many items wait."""
        ...


class FifoQueue(ReadyQueue[T]):
    """First come, first served; priorities and owners make no difference."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()

    def push(self, item: T, *, priority: float = 0, owner: str = "") -> None:
        """Adds an item at the end."""
        self._items.append(item)

    def pop(self) -> T:
        """Takes the first item."""
        return self._items.popleft()

    def __len__(self) -> int:
        return len(self._items)


class PriorityQueue(ReadyQueue[T]):
    """The smallest priority first; of equal ones the first that came.

    >>> queue = PriorityQueue()
    >>> for item, priority in (("late", 2), ("soon", 1), ("also soon", 1)):
    ...     queue.push(item, priority=priority)
    >>> queue.pop(), queue.pop(), queue.pop()
    ('soon', 'also soon', 'late')
    """

    def __init__(self) -> None:
        self._items: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()

    def push(self, item: T, *, priority: float = 0, owner: str = "") -> None:
        """Adds an item in its place."""
        heapq.heappush(self._items, (priority, next(self._numbers), item))

    def pop(self) -> T:
        """Takes the item with the smallest priority."""
        return heapq.heappop(self._items)[2]

    def __len__(self) -> int:
        return len(self._items)


class FairQueue(ReadyQueue[T]):
    """Owners take turns: the one that has been served least comes next, however much it has waiting.

    An owner that comes back, or is new, starts level with the others and cannot save up turns.

    Args:
        inner: Makes the queue of one owner.

    >>> queue = FairQueue()
    >>> for item, owner in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")):
    ...     queue.push(item, owner=owner)
    >>> [queue.pop() for _ in range(4)]
    ['a1', 'b1', 'a2', 'a3']
    """

    def __init__(self, inner: Callable[[], ReadyQueue[T]] = PriorityQueue) -> None:
        self._inner = inner
        self._queues: dict[str, ReadyQueue[T]] = {}
        # Owners that wait, by how often they have been served.
        self._turns: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()
        self._served = 0
        self._length = 0

    def push(self, item: T, *, priority: float = 0, owner: str = "") -> None:
        """Adds an item to its owner's queue."""
        if owner not in self._queues:
            self._queues[owner] = self._inner()
            heapq.heappush(self._turns, (self._served, next(self._numbers), owner))
        self._queues[owner].push(item, priority=priority)
        self._length += 1

    def pop(self) -> T:
        """Takes the next item of the owner whose turn it is."""
        self._served, _, owner = heapq.heappop(self._turns)
        queue = self._queues[owner]
        item = queue.pop()
        self._length -= 1
        if len(queue):
            heapq.heappush(self._turns, (self._served + 1, next(self._numbers), owner))
        else:
            del self._queues[owner]
        return item

    def __len__(self) -> int:
        return self._length
