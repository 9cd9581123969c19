"""One event loop thread for synchronous callers, shared by everybody who needs one.

A plain `with` that opens an engine and `Agent.run_sync` have to meet on the same loop, since an engine lives on the
loop that started it; a thread of its own also works where a loop runs already, as in Jupyter.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, TypeVar

import anyio
from anyio.from_thread import BlockingPortalProvider

from .error_groups import single_error

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PORTAL = BlockingPortalProvider(backend="asyncio")


def run_in_portal(function: Callable[[], Awaitable[T]]) -> T:
    """Runs an async function on the portal's loop and returns its result.

    An interrupt (Ctrl-C) cancels the function, waits until it has cleaned up and is then raised.
    """
    ended = threading.Event()

    async def run() -> T:
        try:
            return await function()
        finally:
            ended.set()

    with PORTAL as portal:
        future = portal.start_task_soon(run)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                ended.wait()
            raise


class OpensOnPortal(ABC, Generic[T_co]):
    """Gives an async context manager a plain `with`: one task on the portal's loop opens, holds and closes it.

    What has a task group inside has to be entered and left by the same task.
    """

    @abstractmethod
    async def __aenter__(self) -> T_co: ...

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None: ...

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

        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(abandon_opening)
                try:
                    async with self as value:
                        opened.set_result(value)
                        await leaving.wait()
                except BaseException as error:
                    if opened.done():
                        raise
                    # Whoever waits for it is told, whatever it is.
                    opened.set_exception(error)
                    if not isinstance(error, Exception):
                        raise
                finally:
                    leaving.set()
