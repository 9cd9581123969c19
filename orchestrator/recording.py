"""An engine that tells what is done with it: an event when a call starts and one when it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal

from engines import (
    STREAMED,
    BudgetExhausted,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    FinishReason,
    ForkjoinError,
    Sampling,
    Usage,
)

from .events import EventBus, GenerationFinished, GenerationStarted


class RecordingEngine(EngineWrapper):
    """The engine as one node of a run sees it.

    Args:
        inner: Does the calls.
        node: The node's id.
        bus: Takes the events.
        numbers: Numbers the calls of the run.
    """

    def __init__(self, inner: Engine, node: str, bus: EventBus, numbers: Iterator[int]) -> None:
        super().__init__(inner)
        self._node = node
        self._bus = bus
        self._numbers = numbers

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream. A call that is left early counts what was received, as a lower bound."""
        call, started, path = next(self._numbers), self._bus.seconds, context.path
        team = sampling.collaboration
        workers = 1 if team is None else len(team.workers)
        self._bus.emit(GenerationStarted(node=self._node, call=call, path=path, workers=workers))
        last = Chunk(text="", token_ids=(), usage=Usage())
        end: FinishReason | Literal["aborted", "failed"] = "aborted"
        refused_by: str | None = None

        async def recorded(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
            nonlocal last, end
            async for last in chunks:
                end = last.finish_reason or end
                yield last

        try:
            async with (
                self.inner.stream(context, sampling, delivery) as chunks,
                aclosing(recorded(chunks)) as passing,
            ):
                yield passing
        except ForkjoinError as error:
            end = "failed" if last.finish_reason is None else end
            if isinstance(error, BudgetExhausted):
                refused_by = error.what
            raise
        finally:
            usage = last.usage
            # A call that failed before its first token has cost nothing.
            if end == "aborted" or (end == "failed" and usage.generated_tokens):
                usage = usage.model_copy(update={"lower_bound": True})
            self._bus.emit(
                GenerationFinished(
                    node=self._node,
                    call=call,
                    path=path,
                    usage=usage,
                    finish_reason=end,
                    seconds=round(self._bus.seconds - started, 6),
                    limited_by=last.limited_by or refused_by,
                    replayed=last.replayed,
                )
            )
