"""The environment variables that vLLM starts with. It reads them when it is imported and when its core starts."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
# Where a CPU's core computes in its own process, vLLM leaves the number of its threads to whoever starts it.
_THREADS = "OMP_NUM_THREADS"
# Not to be chosen: a forked core would inherit our event loop, and would not be guarded.
_FIXED = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}


@contextmanager
def vllm_environment(*, on_cpu: bool = False) -> Iterator[None]:
    """Sets the variables and takes them back at the end; what the user has set stays. Needs `START_LOCK`."""
    before = dict(os.environ)
    defaults = {**_DEFAULTS, **({_THREADS: str(threads_for_core())} if on_cpu else {})}
    os.environ.update({**defaults, **before, **_FIXED})
    try:
        yield
    finally:
        for name in (*defaults, *_FIXED):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


def threads_for_core() -> int:
    """As many as vLLM would choose: one a physical core that this process may use, but for one, which is its own.

    A thread more is half as fast again on an idle machine; where anything else runs, all threads wait in busy loops
    for the one that has no core, and generate at a tenth of the rate.
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(_all())
    return max(1, len({_core_of(number) for number in usable}) - 1)


def _all() -> range:
    return range(os.cpu_count() or 1)


def _core_of(processor: int) -> str:
    """The processors of the core that this one belongs to; where nobody tells, it is a core by itself."""
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return path.read_text().strip()
    except OSError:
        return str(processor)
