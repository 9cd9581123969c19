"""When a run is to stop after the step that it is at: its time is up, or Ctrl-C or SIGTERM came."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HEARD = b"stopping after this step; the same signal again stops at once\n"
_ERROR_OUTPUT = 2


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
