"""What the tests of wrappers have in common: a prompt, an engine that breaks off, a look at what is left."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio

from engines import (
    STREAMED,
    Chunk,
    Collaboration,
    Context,
    Delivery,
    Engine,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Segment,
)

TEAM = Collaboration(workers=("Alice", "Bob"), question_every=50)
"""Of whom a `FakeEngine` makes workers that say its reply over and over."""


def prompt(name: str = "root") -> Context:
    return Context(Segment("user", "question", tuple(map(ord, "question"))), name=name)


async def text_of(engine: Engine, name: str = "root") -> str:
    return (await engine.generate(prompt(name), Sampling())).text


class Breaking(EngineWrapper):
    """Breaks off its first calls after so many chunks each; None is never."""

    def __init__(
        self, inner: Engine, *breaks: int | None, error: ForkjoinError | None = None
    ) -> None:
        super().__init__(inner)
        self._breaks = list(breaks)
        self._error = error or EngineUnavailable("broke off")

    async def end(self) -> None:
        raise self._error

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        left = self._breaks.pop(0) if self._breaks else None

        async def broken(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
            passed = 0
            if left == 0:
                await self.end()
            async for chunk in chunks:
                yield chunk
                passed += 1
                if left == passed:
                    await self.end()

        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(broken(chunks)) as passing,
        ):
            yield passing


class Stalling(Breaking):
    """Falls silent where it would break off."""

    async def end(self) -> None:
        await anyio.sleep_forever()


async def left_in(engine: FakeEngine) -> int:
    return (await engine.statistics()).running


async def cancelled_after(seconds: float, engine: Engine) -> None:
    """Begins a call and cancels it."""
    with anyio.move_on_after(seconds) as scope:
        await text_of(engine)
    assert scope.cancelled_caught
