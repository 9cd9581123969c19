"""What somebody far away is asked once: who asks the same meanwhile waits for that answer, and later it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedAnswers(Generic[K, V]):
    """Answers by what was asked, the last ones that were given.

    Args:
        ask: Gets an answer; one that fails is asked for again by the next.
        most: So many are kept.
    """

    def __init__(self, ask: Callable[[K], Awaitable[V]], most: int = 256) -> None:
        self._ask = ask
        self._most = most
        self._answers: dict[K, V] = {}
        self._asking: dict[K, anyio.Lock] = {}

    async def get(self, asked: K) -> V:
        """The answer."""
        if asked in self._answers:
            return self._answers[asked]
        lock = self._asking.setdefault(asked, anyio.Lock())
        try:
            async with lock:
                if asked not in self._answers:
                    self._keep(asked, await self._ask(asked))
                return self._answers[asked]
        finally:
            # Who waits has the lock itself.
            if self._asking.get(asked) is lock and not lock.statistics().tasks_waiting:
                del self._asking[asked]

    def _keep(self, asked: K, answer: V) -> None:
        while len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        self._answers[asked] = answer
