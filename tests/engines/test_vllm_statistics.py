"""What vLLM reports, added up. Needs vLLM's modules, and starts no engine."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest

from engines import EngineStatistics

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


def step(running: int, waiting: int, kv: float) -> Any:
    return SimpleNamespace(num_running_reqs=running, num_waiting_reqs=waiting, kv_cache_usage=kv)


def tokens(prompt: int, generated: int) -> Any:
    return SimpleNamespace(num_prompt_tokens=prompt, num_generation_tokens=generated)


def test_data_parallel_cores_add_up() -> None:
    from engines.vllm_statistics import StepCounts  # It imports vLLM.

    counts = StepCounts()
    assert counts.statistics(0) == EngineStatistics(
        running=0, waiting=0, kv_usage=0, prompt_tokens=0, generated_tokens=0
    )
    logger = counts.logger(None)
    logger.record(step(9, 9, 0.9), tokens(100, 1), engine_idx=0)
    logger.record(step(4, 2, 0.5), tokens(0, 8), engine_idx=0)
    logger.record(step(6, 1, 0.25), tokens(50, 5), engine_idx=1)
    logger.record(None, tokens(0, 3), engine_idx=1)
    logger.record(step(6, 1, 0.25), None, engine_idx=1)
    assert counts.statistics(10) == EngineStatistics(
        running=10, waiting=3, kv_usage=0.375, prompt_tokens=150, generated_tokens=17
    )
    assert counts.statistics(20).waiting == 10
