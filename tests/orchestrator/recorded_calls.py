"""Calls as an engine gets them: written down with what came of them, and given again in another order."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.lowlevel import checkpoint

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineError,
    EngineWrapper,
    Sampling,
)

_MOMENTS = itertools.count()


@dataclass(eq=False)
class Call:
    """One call. Moments are numbers that grow, the same for all calls of all engines.

    Attributes:
        context: What it went on from.
        sampling: How.
        asked: When.
        ended: When its last chunk came; infinite if none did.
        chunks: What came.
    """

    context: Context
    sampling: Sampling
    asked: int = field(default_factory=_MOMENTS.__next__)
    ended: float = math.inf
    said_first: float = math.inf
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.context.path

    @property
    def prompt(self) -> tuple[int, ...]:
        return self.context.token_ids

    @property
    def request(self) -> tuple[str, tuple[int, ...], Sampling]:
        """All that what vLLM does with it depends on, and its name."""
        return self.path, self.prompt, self.sampling

    @property
    def has_ended(self) -> bool:
        return self.ended < math.inf

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def generated(self) -> tuple[int, ...]:
        return tuple(token for chunk in self.chunks for token in chunk.token_ids)

    @property
    def cached(self) -> int:
        return (self.chunks[-1].usage.cached_tokens or 0) if self.chunks else 0

    def add(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        moment = next(_MOMENTS)
        self.said_first = min(self.said_first, moment)
        if chunk.finish_reason is not None:
            self.ended = moment


class RecordedEngine(EngineWrapper):
    """Writes down its calls; fails one of them if told to.

    Args:
        inner: Stays open.
        failing: The number of the call that fails, from 1.
    """

    def __init__(self, inner: Engine, failing: int | None = None) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []
        self._failing = failing

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        call = Call(context, sampling)
        self.calls.append(call)
        if len(self.calls) == self._failing:
            raise EngineError("this call is lost")
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(_written_down(chunks, call)) as passing,
        ):
            yield passing

    async def aclose(self) -> None:
        """The engine inside is the session's."""


class ReplayedEngine(EngineWrapper):
    """Answers each request as it was answered before, but in another order; of any other it says that it is new."""

    def __init__(self, inner: Engine, calls: Sequence[Call]) -> None:
        super().__init__(inner)
        self._known = {call.request: call for call in calls}
        self.asked: list[tuple[str, tuple[int, ...], Sampling]] = []

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        request = Call(context, sampling).request
        self.asked.append(request)
        known = self._known.get(request)
        assert known is not None, f"another request than before: {request}"
        async with aclosing(_again(known)) as passing:
            yield passing

    async def aclose(self) -> None:
        """The engine inside is the session's."""


async def _written_down(chunks: AsyncIterator[Chunk], call: Call) -> AsyncGenerator[Chunk]:
    async for chunk in chunks:
        call.add(chunk)
        yield chunk


async def _again(call: Call) -> AsyncGenerator[Chunk]:
    for _ in range(hashlib.sha256(call.path.encode()).digest()[0]):
        await checkpoint()
    for chunk in call.chunks:
        yield chunk
    if not call.has_ended:
        # Whoever left it then leaves it now.
        await anyio.sleep_forever()
