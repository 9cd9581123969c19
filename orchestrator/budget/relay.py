"""A call that runs in a task of its own, to its end whatever its reader does meanwhile.

So what is reserved for it comes back when the engine is done, and not when its reader is: a reader that waits for
other calls in the midst of a stream cannot make them wait for what it holds itself. It knows nothing of budgets.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import anyio

from engines import Chunk, single_error

PassOn = Callable[[Chunk], object]


@asynccontextmanager
async def relayed(run: Callable[[PassOn], Awaitable[None]]) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The chunks that `run` passes on; leaving the block early cancels it."""
    # Not limited: a call says no more than its own limit.
    send, receive = anyio.create_memory_object_stream[Chunk](math.inf)
    errors: list[Exception] = []

    async def relay() -> None:
        with send:
            try:
                await run(send.send_nowait)
            except Exception as error:
                # For the reader: raised here, it would cancel the reading of the chunks before.
                errors.append(error)

    async def chunks() -> AsyncGenerator[Chunk]:
        async for chunk in receive:
            yield chunk
        for error in errors:
            raise error

    with single_error(), receive:
        async with anyio.create_task_group() as group, aclosing(chunks()) as passing:
            group.start_soon(relay)
            yield passing
            group.cancel_scope.cancel()
