"""What vLLM's core process reports with each step, added up."""

from __future__ import annotations

from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from .engine import EngineStatistics


class StepCounts:
    """Keeps what the core process reports with each step."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting = 0
        self._kv_usage = 0.0
        self._prompt_tokens = 0
        self._generated_tokens = 0

    def logger(self, config: Any, engine_index: int = 0) -> StatLoggerBase:
        """A vLLM statistics logger that writes here."""
        return _Logger(self)

    def record(self, scheduler: Any, iteration: Any) -> None:
        """Takes what one step reported: vLLM's SchedulerStats and IterationStats, either of them None."""
        if scheduler is not None:
            self._running = scheduler.num_running_reqs
            self._waiting = scheduler.num_waiting_reqs
            self._kv_usage = scheduler.kv_cache_usage
        if iteration is not None:
            self._prompt_tokens += iteration.num_prompt_tokens
            self._generated_tokens += iteration.num_generation_tokens

    def statistics(self, unfinished: int) -> EngineStatistics:
        """The sums, where `unfinished` requests have been sent, some of which the core may not have seen."""
        return EngineStatistics(
            running=self._running,
            waiting=max(self._waiting, unfinished - self._running),
            kv_usage=self._kv_usage,
            prompt_tokens=self._prompt_tokens,
            generated_tokens=self._generated_tokens,
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
        self._counts.record(scheduler_stats, iteration_stats)

    def log_engine_initialized(self) -> None:
        pass
