"""What a run tells while it goes on, for a reader in the same task: events, or pieces of the answer's text.

It knows no agent: it gets the run as a function.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from engines import UsageError, single_error

from .events import AnswerText, Event, Subscriber
from .run_result import RunResult

T = TypeVar("T")
Item = TypeVar("Item")


class RunStream(AsyncIterator[Item], Generic[Item, T]):
    """What a run tells, as it happens; its result when it has ended.

    Args:
        items: Gives them.
    """

    def __init__(self, items: MemoryObjectReceiveStream[Item]) -> None:
        self._items = items
        self._result: RunResult[T] | None = None
        self._error: Exception | None = None

    async def __anext__(self) -> Item:
        return await self._items.__anext__()

    async def aclose(self) -> None:
        """Reads no more; the run goes on until the block is left."""
        await self._items.aclose()

    @property
    def result(self) -> RunResult[T]:
        """The run's result, once everything has been read.

        Raises what the run has raised.

        Raises:
            UsageError: The run has not ended.
        """
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise UsageError("the run has no result yet: read its stream to the end first")
        return self._result


@asynccontextmanager
async def streaming(
    run: Callable[[Subscriber], Awaitable[RunResult[T]]], pick: Callable[[Event], Item | None]
) -> AsyncIterator[RunStream[Item, T]]:
    """Runs beside the block, which reads; leaving the block early cancels the run.

    Args:
        run: Does it, and tells events to what it is given. What it raises is raised when the block ends.
        pick: What the reader gets of an event; None leaves it out.
    """
    send, receive = anyio.create_memory_object_stream[Item](math.inf)
    stream: RunStream[Item, T] = RunStream(receive)

    def tell(event: Event) -> None:
        item = pick(event)
        if item is not None:
            # A reader may close its end and let the run go on.
            with suppress(anyio.BrokenResourceError):
                send.send_nowait(item)

    async def carry_out() -> None:
        async with send:
            try:
                stream._result = await run(tell)
            except Exception as error:
                # Raised now, it would cancel the reader of the last items.
                stream._error = error

    with single_error():
        async with receive, anyio.create_task_group() as group:
            group.start_soon(carry_out)
            yield stream
            group.cancel_scope.cancel()
    if stream._error is not None:
        raise stream._error


def every_event(event: Event) -> Event:
    """The event itself."""
    return event


def answer_text(event: Event) -> str | None:
    """What an event tells of the answer's text."""
    return event.delta if isinstance(event, AnswerText) else None
