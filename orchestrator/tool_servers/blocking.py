"""A plain `with` for async context managers that the same task has to enter and leave, as those with task groups."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack
from types import TracebackType
from typing import Generic, TypeVar

import anyio

from engines.portal import PORTAL

T_co = TypeVar("T_co", covariant=True)


class HeldOnPortal(AbstractAsyncContextManager[T_co], Generic[T_co]):
    """Gives an async context manager a plain `with`: one task on the portal's loop opens, holds and closes it."""

    def __enter__(self) -> T_co:
        opened: Future[T_co] = Future()
        with ExitStack() as exits:
            portal = exits.enter_context(PORTAL)
            leaving = portal.call(anyio.Event)
            ended = portal.start_task_soon(self._hold, opened, leaving)
            # Called in turn from below, also when an interrupt ends the opening.
            exits.callback(ended.result)
            exits.callback(portal.call, leaving.set)
            value = opened.result()
            self._exits = exits.pop_all()
        return value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    async def _hold(self, opened: Future[T_co], leaving: anyio.Event) -> None:
        async def abandon_opening() -> None:
            await leaving.wait()
            if not opened.done():
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(abandon_opening)
            try:
                async with self as value:
                    opened.set_result(value)
                    await leaving.wait()
            except Exception as error:
                if opened.done():
                    raise
                opened.set_exception(error)
                leaving.set()
