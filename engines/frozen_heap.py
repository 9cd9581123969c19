"""Takes what an engine's libraries loaded out of the garbage collector's sight.

vLLM, PyTorch and transformers leave over a million objects. A full collection looks at all of them, which holds up
every request, several times a minute. vLLM does the same in its server and its core processes.
"""

from __future__ import annotations

import gc
import threading

_lock = threading.Lock()
_engines = 0


def freeze_heap() -> None:
    """Collects once more, and leaves all that is there now to itself, in this process, while an engine is open."""
    global _engines  # The collector is the process's too.
    with _lock:
        _engines += 1
    gc.collect()
    gc.freeze()


def thaw_heap() -> None:
    """An engine is closed: after the last one, what is in circles that nobody uses can be collected again."""
    global _engines
    with _lock:
        _engines -= 1
        if _engines == 0:
            gc.unfreeze()
