"""What vLLM's core processes report with each step, added up. Data parallel, there are several of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from .engine import EngineStatistics


@dataclass(slots=True)
class _Core:
    """What one core process reported last, and the tokens of all its steps."""

    running: int = 0
    waiting: int = 0
    kv_usage: float = 0.0
    prompt_tokens: int = 0
    generated_tokens: int = 0


class StepCounts:
    """Keeps what the core processes report with each step."""

    def __init__(self) -> None:
        self._cores: defaultdict[int, _Core] = defaultdict(_Core)

    def logger(self, config: Any, engine_index: int = 0) -> StatLoggerBase:
        """A vLLM statistics logger that writes here."""
        return _Logger(self)

    def record(self, scheduler: Any, iteration: Any, core: int = 0) -> None:
        """Takes what one step of a core reported: vLLM's SchedulerStats and IterationStats, either of them None."""
        counts = self._cores[core]
        if scheduler is not None:
            counts.running = scheduler.num_running_reqs
            counts.waiting = scheduler.num_waiting_reqs
            counts.kv_usage = scheduler.kv_cache_usage
        if iteration is not None:
            counts.prompt_tokens += iteration.num_prompt_tokens
            counts.generated_tokens += iteration.num_generation_tokens

    def statistics(self, unfinished: int) -> EngineStatistics:
        """The sums, where `unfinished` requests have been sent, some of which no core may have seen.

        The share of the KV cache in use is the mean: each core has a cache of its own.
        """
        cores = self._cores.values()
        running = sum(core.running for core in cores)
        waiting = sum(core.waiting for core in cores)
        return EngineStatistics(
            running=running,
            waiting=max(waiting, unfinished - running),
            kv_usage=fmean(core.kv_usage for core in cores) if cores else 0.0,
            prompt_tokens=sum(core.prompt_tokens for core in cores),
            generated_tokens=sum(core.generated_tokens for core in cores),
        )


class _Logger(StatLoggerBase):  # type: ignore[misc]  # vLLM is not type-checked here
    def __init__(self, counts: StepCounts) -> None:
        self._counts = counts

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        self._counts.record(scheduler_stats, iteration_stats, engine_idx)

    def log_engine_initialized(self) -> None:
        pass
