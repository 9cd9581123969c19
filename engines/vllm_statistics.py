"""What vLLM does: its core processes report it with each step, and tokens are counted as they come.

    core process ─> scheduler's report ─> StepCounts <─ tokens <─ its output processor

Data parallel, there are several cores. vLLM's own count of tokens is switched off, since it also notes the times of
each for its metrics, to which nearly a third of this process's time went with hundreds of calls. So what vLLM registers
with Prometheus in this process has its gauges, and no tokens and times.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from .engine import EngineStatistics


@dataclass(slots=True)
class _Core:
    """What one core process reported last."""

    running: int = 0
    waiting: int = 0
    kv_usage: float = 0.0


class StepCounts:
    """Keeps what the core processes report with each step, and counts tokens."""

    def __init__(self) -> None:
        self._cores: defaultdict[int, _Core] = defaultdict(_Core)
        self._prompt_tokens = 0
        self._generated_tokens = 0

    def logger(self, config: Any, engine_index: int = 0) -> StatLoggerBase:
        """A vLLM statistics logger that writes here."""
        return _Logger(self)

    def record(self, scheduler: Any, core: int = 0) -> None:
        """Takes what one step of a core reported, vLLM's SchedulerStats."""
        counts = self._cores[core]
        counts.running = scheduler.num_running_reqs
        counts.waiting = scheduler.num_waiting_reqs
        counts.kv_usage = scheduler.kv_cache_usage

    def count_tokens_of(self, llm: Any) -> None:
        """Counts the tokens of an AsyncLLM from now on, in vLLM's stead.

        Its output handler, which begins with the first request, reads then whether to count.
        """
        processor = llm.output_processor
        # Spans are made of vLLM's notes.
        if not processor.tracing_enabled:
            llm.log_stats = False
        # The processor must not keep itself alive.
        owner, process = weakref.ref(processor), type(processor).process_outputs
        requests = processor.request_states

        def counting(outputs: Sequence[Any], *arguments: Any, **named: Any) -> Any:
            for output in outputs:
                # None where it was aborted meanwhile.
                request = requests.get(output.request_id)
                if request is not None:
                    self._generated_tokens += len(output.new_token_ids)
                    if request.is_prefilling:
                        self._prompt_tokens += request.prompt_len
            return process(owner(), outputs, *arguments, **named)

        processor.process_outputs = counting

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
        # None comes with outputs of a step that were sent before its end.
        if scheduler_stats is not None:
            self._counts.record(scheduler_stats, engine_idx)

    def log_engine_initialized(self) -> None:
        pass
