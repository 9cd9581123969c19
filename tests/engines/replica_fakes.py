"""Engines that fail, fall silent and recover, and many small questions, for tests of a pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio
import pytest

from engines import (
    STREAMED,
    WHOLE,
    Completion,
    Context,
    Delivery,
    Engine,
    FakeEngine,
    ForkjoinError,
    Outcome,
    Sampling,
    Segment,
    join,
)
from engines.replicas import ReplicaPool

SAMPLING = Sampling(max_tokens=50)
DELIVERIES = pytest.mark.parametrize("delivery", [WHOLE, STREAMED], ids=["whole", "streamed"])


def question(name: str = "question") -> Context:
    """Short, so that a pool spreads questions over its replicas."""
    return Context(Segment("user", name, tuple(map(ord, name))), name=name)


def questions(count: int, name: str = "question") -> list[Context]:
    return [question(f"{name}-{number}") for number in range(count)]


class Switched(FakeEngine):
    """Answers after `seconds`, or never, or with an error, as it is set at the moment."""

    def __init__(self, answer: str = "x" * 20, seconds: float = 1) -> None:
        super().__init__(self._answer)
        self.answer = answer
        self.seconds = seconds
        self.error: ForkjoinError | None = None

    async def _answer(self, context: Context, sampling: Sampling) -> str | ForkjoinError:
        if self.error:
            return self.error
        await anyio.sleep(self.seconds)
        return self.answer


async def ask(
    pool: Engine, contexts: Sequence[Context], delivery: Delivery = WHOLE
) -> list[Outcome[Completion]]:
    calls: list[Callable[[], Awaitable[Completion]]] = [
        partial(pool.generate, context, SAMPLING, delivery) for context in contexts
    ]
    return await join(calls)


def check_nothing_is_left(pool: ReplicaPool, engines: Sequence[FakeEngine]) -> None:
    for status in pool.replicas():
        assert (status.in_flight, status.load) == (0, 0)
    assert [engine._running for engine in engines] == [0] * len(engines)
