"""One event loop thread for synchronous callers, shared by everybody who needs one.

`with local_engine()` and `Agent.run_sync` have to meet on the same loop, since an engine lives on the loop that
started it; a thread of its own also works where a loop runs already, as in Jupyter.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio.from_thread import BlockingPortalProvider

T = TypeVar("T")

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
