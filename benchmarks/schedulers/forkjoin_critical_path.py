"""Ours in the order that runs use: the longest way to the end first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.schedulers import forkjoin_executor
from benchmarks.schedulers.forkjoin_executor import barrier
from orchestrator.execution.critical_path import CriticalPathQueue, ExpectedSeconds

__all__ = ["barrier", "prepare"]


def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
    return forkjoin_executor.prepare(
        shape, size, lambda: CriticalPathQueue(ExpectedSeconds(think_tokens=100))
    )
