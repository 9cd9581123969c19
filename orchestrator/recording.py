"""An engine that tells what is done with it: an event for every call, and the sum of what calls cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineError,
    EngineWrapper,
    FinishReason,
    Sampling,
    Usage,
)

from .events import EventBus, GenerationFinished, TokensGenerated


class UsageLedger:
    """What the calls of a run have cost, in all and by node."""

    def __init__(self) -> None:
        self.total = Usage()
        self._by_node: dict[str, Usage] = {}

    def add(self, node: str, usage: Usage) -> None:
        """Books a call."""
        self.total += usage
        self._by_node[node] = self.of(node) + usage

    def of(self, node: str) -> Usage:
        """What a node's calls have cost."""
        return self._by_node.get(node, Usage())


class RecordingEngine(EngineWrapper):
    """The engine as one node of a run sees it."""

    def __init__(self, inner: Engine, node: str, bus: EventBus, ledger: UsageLedger) -> None:
        super().__init__(inner)
        self._node = node
        self._bus = bus
        self._ledger = ledger

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream. A call that is left early counts what was received, as a lower bound."""
        started = self._bus.seconds
        usage = Usage()
        end: FinishReason | Literal["aborted", "failed"] = "aborted"

        async def recorded(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
            nonlocal usage, end
            async for chunk in chunks:
                new = chunk.usage.generated_tokens - usage.generated_tokens
                usage, end = chunk.usage, chunk.finish_reason or end
                self._bus.emit(TokensGenerated(node=self._node, tokens=new))
                yield chunk

        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(recorded(chunks)) as passing,
            ):
                yield passing
        except EngineError:
            end = "failed"
            raise
        finally:
            # A call that failed before its first token has cost nothing.
            if end == "aborted" or (end == "failed" and usage.generated_tokens):
                usage = usage.model_copy(update={"lower_bound": True})
            self._ledger.add(self._node, usage)
            self._bus.emit(
                GenerationFinished(
                    node=self._node,
                    path=context.path,
                    usage=usage,
                    finish_reason=end,
                    seconds=round(self._bus.seconds - started, 6),
                )
            )
