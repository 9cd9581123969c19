"""One event loop thread for synchronous callers, shared by everybody who needs one.

A plain `with` that opens an engine and `Agent.run_sync` have to meet on the same loop, since an engine lives on the
loop that started it; a thread of its own also works where a loop runs already, as in Jupyter.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, TypeVar

from anyio.from_thread import BlockingPortalProvider

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
    """Gives an async context manager a plain `with`, which opens and closes it on the portal's loop."""

    @abstractmethod
    async def __aenter__(self) -> T_co: ...

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def __enter__(self) -> T_co:
        with ExitStack() as exits:
            exits.enter_context(PORTAL)
            opened = run_in_portal(self.__aenter__)
            exits.callback(run_in_portal, lambda: self.__aexit__(None, None, None))
            self._exits = exits.pop_all()
        return opened

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()
