"""Workers that compare answers side by side, as many as there are cores.

tasks ──> a limiter of its own ──> threads, one for each worker that is busy ──> idle workers, the last used first

So whatever waits for a comparison waits as a task: it holds no thread of those that anyio shares out.
"""

from __future__ import annotations

import atexit
import os
import queue
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from .worker import Counts, Worker


class Pool:
    """Workers, started when they are needed and ended at exit.

    Args:
        size: How many; None for as many as there are cores.
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size or len(os.sched_getaffinity(0))
        # A limiter belongs to an event loop, and a pool does not.
        self._limiter: RunVar[CapacityLimiter] = RunVar(f"forkjoin-equality-{id(self)}")
        self._open()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._leave_to_parent)

    async def compare(self, request: Mapping[str, Any]) -> bool | None:
        """What a worker answers, see `Worker.ask`."""
        try:
            limiter = self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self.size)
            self._limiter.set(limiter)
        return await to_thread.run_sync(self.ask, request, abandon_on_cancel=True, limiter=limiter)

    def ask(self, request: Mapping[str, Any]) -> bool | None:
        """The same; blocks until a worker is free and done."""
        idle = self._idle
        worker = idle.get()
        try:
            return worker.ask(request)
        finally:
            idle.put(worker)

    @property
    def counts(self) -> Counts:
        """Those of all workers together."""
        sums = {
            field.name: sum(getattr(worker.counts, field.name) for worker in self._workers)
            for field in fields(Counts)
        }
        return Counts(**sums)

    def close(self) -> None:
        """Ends all processes, and with them comparisons that still run. What is asked later starts new ones."""
        workers, idle = self._workers, self._idle
        for worker in workers:
            worker.close()
        # Each one comes back when its comparison has ended.
        for _ in workers:
            idle.get().end()
        self._open()
        for worker in workers:
            idle.put(worker)

    def _open(self) -> None:
        self._workers = [Worker() for _ in range(self.size)]
        # The last used first, so that no more are started than are needed.
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def _leave_to_parent(self) -> None:
        """A forked child starts processes of its own: two that share pipes would read each other's answers."""
        for worker in self._workers:
            worker.forget()
        self._open()
