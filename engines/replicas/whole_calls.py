"""Serves a call of which nobody reads the parts, so that until its end it can be answered by any replica."""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup

from ..completion import Chunk, merged
from ..error_groups import single_error
from ..errors import EngineError
from .dispatcher import Dispatcher, PooledCall
from .fleet import Booking


class Race:
    """One whole call: on one replica, on the next where that fails, on another beside it where it falls silent.

    The first answer counts; the other tries are aborted.

    Args:
        dispatcher: Sends it to replicas.
        call: The call.
    """

    def __init__(self, dispatcher: Dispatcher, call: PooledCall) -> None:
        self._dispatcher = dispatcher
        self._call = call
        self._running: list[Booking] = []
        self._answers: list[Chunk] = []

    async def run(self) -> Chunk:
        """The whole answer as one chunk.

        Raises:
            EngineUnavailable: No replica answers.
            EngineError: What a replica said that another one would say as well.
        """
        booking = await self._dispatcher.first(self._call)
        with single_error():
            async with anyio.create_task_group() as group:
                self._group: TaskGroup = group
                self._running.append(booking)
                group.start_soon(self._dispatcher.watch, self._newest, self._move)
                await self._try(booking)
        return self._call.marked(self._answers[0])

    async def _try(self, booking: Booking) -> None:
        """Asks one replica after the other until one answers or none is left."""
        while not await self._ask(booking):
            was_newest = self._newest() is booking
            self._running.remove(booking)
            following = self._dispatcher.next(self._call, booking) if was_newest else None
            if following is None:
                if self._running:
                    return
                raise self._dispatcher.refusal(self._call)
            self._running.append(following)
            booking = following
        self._group.cancel_scope.cancel()

    async def _ask(self, booking: Booking) -> bool:
        """Whether the replica answers; not if another one may do better."""
        call = self._call
        engine = self._dispatcher.engines[booking.replica]
        try:
            async with engine.stream(call.context, call.sampling, call.delivery) as chunks:
                answer = await merged(chunks)
        except EngineError as error:
            if self._dispatcher.failed(call, booking, error):
                return False
            raise
        else:
            now = anyio.current_time()
            self._dispatcher.fleet.heard(booking, now, first=True)
            self._dispatcher.answered(call, booking, answer, now - booking.began)
            self._answers.append(answer)
            return True
        finally:
            self._dispatcher.fleet.end(booking)

    def _newest(self) -> Booking | None:
        return self._running[-1] if self._running else None

    def _move(self, booking: Booking) -> None:
        following = self._dispatcher.move(self._call, booking)
        if following is not None:
            self._running.append(following)
            self._group.start_soon(self._try, following)
