"""An engine on which workers write what they are told to, passage by passage."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Draft,
    FakeCall,
    FakeEngine,
    FinishReason,
    Passage,
    Sampling,
    Usage,
)
from engines.completion import as_whole
from engines.engine import require_capabilities


@dataclass(frozen=True)
class Wrote:
    """A passage: what was put in for a worker, then what it generated; worker None is the closing."""

    worker: int | None
    generated: str
    header: str = ""

    @property
    def text(self) -> str:
        return self.header + self.generated


class WrittenEngine(FakeEngine):
    """Streams passages, each after the draft of it.

    Args:
        passages: What is written.
        finish_reason: What ended it.
        unsaid: Tokens that were generated beside the passages.
        seconds: What each passage takes.
        window: As of `FakeEngine`.
    """

    def __init__(
        self,
        passages: Sequence[Wrote],
        finish_reason: FinishReason = "stop",
        *,
        unsaid: int = 0,
        seconds: float = 0,
        window: int = 1_000_000,
    ) -> None:
        super().__init__(window=window)
        self._passages = passages
        self._finish_reason = finish_reason
        self._unsaid = unsaid
        self._seconds = seconds

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        require_capabilities(self, sampling)
        self.calls.append(FakeCall(context, sampling, delivery))
        self._running += 1
        try:
            chunks = self._passed(len(context.token_ids))
            async with aclosing(as_whole(chunks) if delivery.whole else chunks) as passing:
                yield passing
        finally:
            self._running -= 1

    async def _passed(self, prompt: int) -> AsyncGenerator[Chunk]:
        usage = Usage(prompt_tokens=prompt, generated_tokens=self._unsaid)
        self._total += usage
        last = len(self._passages) - 1
        for number, one in enumerate(self._passages):
            await anyio.sleep(self._seconds)
            more = Usage(prompt_tokens=len(one.header), generated_tokens=len(one.generated))
            usage += more
            self._total += more
            ids = tuple(map(ord, one.text))
            if one.worker is not None:
                yield Chunk(
                    text="", token_ids=(), usage=usage, drafts=(Draft(one.worker, one.text, ids),)
                )
            yield Chunk(
                text=one.text,
                token_ids=ids,
                usage=usage,
                finish_reason=self._finish_reason if number == last else None,
                passages=(Passage(one.worker, len(ids), len(one.generated)),),
            )
