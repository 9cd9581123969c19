"""Runs a blocking function in a thread that nobody has to wait for.

A worker thread of anyio is joined when the interpreter exits, so that one hanging tool would hang the program.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel


async def run_in_daemon_thread(function: Callable[[], Any]) -> Any:
    """The function's result, or its exception. When cancelled, the thread is left behind."""
    ended = anyio.Event()
    token = anyio.lowlevel.current_token()
    results: list[Any] = []
    errors: list[BaseException] = []

    context = contextvars.copy_context()

    def run() -> None:
        try:
            results.append(context.run(function))
        except BaseException as error:  # It belongs to the caller, whatever it is.
            errors.append(error)
        # Where the event loop is gone, so is everybody who waited.
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(ended.set, token=token)

    threading.Thread(target=run, name="forkjoin-tool", daemon=True).start()
    await ended.wait()
    if errors:
        raise errors[0]
    return results[0]
