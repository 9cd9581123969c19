"""Serves a call whose parts are read as they come: it can be moved until its first part was passed on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from ..completion import Chunk
from ..error_groups import single_error
from ..errors import EngineError
from .dispatcher import Dispatcher, PooledCall
from .fleet import Booking


@asynccontextmanager
async def streamed(
    dispatcher: Dispatcher, call: PooledCall
) -> AsyncIterator[AsyncGenerator[Chunk]]:
    """The parts of the answer of the first replica that sends one."""
    booking = await dispatcher.first(call)
    while True:
        attempt = _Attempt(dispatcher, call, booking)
        async with attempt.parts() as parts:
            if parts is not None:
                yield parts
                return
        following = attempt.following or dispatcher.next(call, booking)
        if following is None:
            raise dispatcher.refusal(call)
        booking = following


class _Attempt:
    """One try on one replica.

    Attributes:
        following: Where the call goes on, if this replica has fallen silent.
    """

    def __init__(self, dispatcher: Dispatcher, call: PooledCall, booking: Booking) -> None:
        self._dispatcher = dispatcher
        self._call = call
        self._booking = booking
        self._watching = anyio.CancelScope()
        self.following: Booking | None = None

    @asynccontextmanager
    async def parts(self) -> AsyncIterator[AsyncGenerator[Chunk] | None]:
        """The parts of the answer; None where the call has to go on elsewhere."""
        passed_on = False
        try:
            with single_error():
                async with anyio.create_task_group() as group:
                    self._group: TaskGroup = group
                    group.start_soon(self._watch)
                    try:
                        async with self._stream() as chunks:
                            first = await anext(chunks, None)
                            # It may have been moved in the very moment that the part came.
                            if self.following is None:
                                passed_on = True
                                self._watching.cancel()
                                async with aclosing(self._relayed(first, chunks)) as parts:
                                    yield parts
                    except EngineError as error:
                        if passed_on or not self._dispatcher.failed(
                            self._call, self._booking, error
                        ):
                            raise
                    finally:
                        self._watching.cancel()
        except BaseException:
            if self.following is not None:
                self._dispatcher.fleet.end(self.following)
            raise
        finally:
            self._dispatcher.fleet.end(self._booking)
        if not passed_on:
            yield None

    def _stream(self) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        call = self._call
        engine = self._dispatcher.engines[self._booking.replica]
        return engine.stream(call.context, call.sampling, call.delivery)

    async def _watch(self) -> None:
        with self._watching:
            await self._dispatcher.watch(lambda: self._booking, self._move)

    def _move(self, booking: Booking) -> None:
        self.following = self._dispatcher.move(self._call, booking)
        if self.following is not None:
            self._group.cancel_scope.cancel()

    async def _relayed(
        self, first: Chunk | None, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk]:
        """Passes the parts on and tells the fleet of each."""
        call, booking, dispatcher = self._call, self._booking, self._dispatcher
        chunk, now = first, anyio.current_time()
        # Only the time that the replica takes, not what the reader does with the parts.
        seconds = now - booking.began
        texts: list[str] = []
        ids: list[int] = []
        while chunk is not None:
            dispatcher.fleet.heard(booking, now, first=chunk is first)
            texts.append(chunk.text)
            ids.extend(chunk.token_ids)
            if chunk.finish_reason is not None:
                answer = replace(chunk, text="".join(texts), token_ids=tuple(ids))
                dispatcher.answered(call, booking, answer, seconds)
            yield call.marked(chunk)
            asked = anyio.current_time()
            try:
                chunk = await anext(chunks, None)
            except EngineError as error:
                dispatcher.failed(call, booking, error)
                raise
            now = anyio.current_time()
            seconds += now - asked
