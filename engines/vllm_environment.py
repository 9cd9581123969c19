"""The environment variables that vLLM starts with. It reads them when it is imported and when its core starts."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The environment belongs to the whole process, so only one engine can start at a time.
START_LOCK = threading.RLock()

_DEFAULTS = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_VERBOSITY": "error",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    # What a killed core leaves is cleaned up; the process that does it need not tell.
    "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
}
# Not to be chosen: a forked core would inherit our event loop, and would not be guarded.
_FIXED = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}


@contextmanager
def vllm_environment() -> Iterator[None]:
    """Sets the variables and takes them back at the end; what the user has set stays. Needs `START_LOCK`."""
    before = dict(os.environ)
    os.environ.update({**_DEFAULTS, **before, **_FIXED})
    try:
        yield
    finally:
        for name in (*_DEFAULTS, *_FIXED):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)
