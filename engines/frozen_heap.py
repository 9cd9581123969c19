"""Takes what an engine's libraries loaded out of the garbage collector's sight.

vLLM, PyTorch and transformers leave over a million objects. A full collection looks at all of them, which holds up
every request, several times a minute. vLLM does the same in its server and its core processes.
"""

from __future__ import annotations

import gc
import threading
from typing import ClassVar


class FrozenHeap:
    """What is there now, in the whole process, is left to itself until the last of these is thawed.

    Where a program had frozen something by itself before the first, all stays frozen.
    """

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _all: ClassVar[set[FrozenHeap]] = set()
    _frozen_before: ClassVar[bool] = False

    def __init__(self) -> None:
        cls = type(self)
        with self._lock:
            if not self._all:
                cls._frozen_before = gc.get_freeze_count() > 0
            self._all.add(self)
            gc.collect()
            gc.freeze()

    def thaw(self) -> None:
        """Lets go of it: after the last, cycles that nobody reaches any more can be collected again. Twice is once."""
        with self._lock:
            if self in self._all:
                self._all.remove(self)
                if not self._all and not self._frozen_before:
                    gc.unfreeze()
