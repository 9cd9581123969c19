"""When a run is to stop: after the step that it is at, since its time is up or Ctrl-C or SIGTERM came, or at once.

steps     Stopping            is asked after each
calls     unless_terminated   cancels what waits
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, Self, TypeVar

import anyio
from anyio.abc import TaskStatus

from engines import ForkjoinError, single_error

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HEARD = b"stopping after this step; the same signal again stops at once\n"
_ERROR_OUTPUT = 2


class Terminated(Exception):
    """SIGTERM came."""


class Stopping:
    """Asked, it says whether it is time. In a `with` block it hears signals and says so; a second one stops at once.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._end = time.monotonic() + seconds
        self._before: dict[int, Any] = {}
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether it is time."""
        return self.signal is not None or time.monotonic() >= self._end

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        # Through no stream, which the signal may have found in the middle of a line.
        with contextlib.suppress(OSError):
            os.write(_ERROR_OUTPUT, _HEARD)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


async def unless_terminated(work: Callable[[], Awaitable[T]]) -> T:
    """Does the work, which SIGTERM cancels as Ctrl-C does.

    Raises:
        Terminated: It came before the work was done.
    """
    with single_error():
        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                await group.start(_cancel_at_sigterm, scope)
                try:
                    return await work()
                except ForkjoinError:
                    # `timeout` sends it to processes of an engine too, which may be gone before they are asked to end.
                    if not scope.cancel_called:
                        raise
                finally:
                    group.cancel_scope.cancel()
    raise Terminated


async def _cancel_at_sigterm(
    scope: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            # A second one finds nobody who hears it, and kills.
            scope.cancel()
            return
