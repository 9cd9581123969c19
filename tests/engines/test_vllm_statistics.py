"""What vLLM reports, added up, and tokens as they are counted. All but the last test start no engine."""

from __future__ import annotations

import gc
import importlib.util
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from engines import Engine, EngineStatistics, Sampling, converse, run_in_portal

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


def step(running: int, waiting: int, kv: float) -> Any:
    return SimpleNamespace(num_running_reqs=running, num_waiting_reqs=waiting, kv_cache_usage=kv)


def output(request: str, tokens: int) -> Any:
    return SimpleNamespace(request_id=request, new_token_ids=[7] * tokens)


def test_data_parallel_cores_add_up() -> None:
    from engines.vllm_statistics import StepCounts  # It imports vLLM.

    counts = StepCounts()
    assert counts.statistics(0) == EngineStatistics(
        running=0, waiting=0, kv_usage=0, prompt_tokens=0, generated_tokens=0
    )
    logger = counts.logger(None)
    logger.record(step(9, 9, 0.9), None, engine_idx=0)
    logger.record(step(4, 2, 0.5), None, engine_idx=0)
    logger.record(step(6, 1, 0.25), None, engine_idx=1)
    logger.record(None, None, engine_idx=1)
    found = counts.statistics(10)
    assert (found.running, found.waiting, found.kv_usage) == (10, 3, 0.375)
    assert counts.statistics(20).waiting == 10


class Processor:
    """What vLLM's output processor does with the requests that it knows."""

    def __init__(self, *, tracing: bool = False, **prompts: int) -> None:
        self.tracing_enabled = tracing
        self.request_states = {
            name: SimpleNamespace(prompt_len=length, is_prefilling=True)
            for name, length in prompts.items()
        }
        self.given: list[tuple[int, tuple[Any, ...], dict[str, Any]]] = []

    def process_outputs(self, outputs: list[Any], *arguments: Any, **named: Any) -> str:
        self.given.append((len(outputs), arguments, named))
        for each in outputs:
            if each.request_id in self.request_states:
                self.request_states[each.request_id].is_prefilling = False
        return "processed"


def test_tokens_are_counted_as_they_come_without_vllms_own_statistics() -> None:
    from engines.vllm_statistics import StepCounts

    counts, processor = StepCounts(), Processor(a=10, b=30)
    llm = SimpleNamespace(log_stats=True, output_processor=processor)
    counts.count_tokens_of(llm)
    assert not llm.log_stats
    process = llm.output_processor.process_outputs
    assert process([output("a", 1), output("gone", 5)], 0.5, None, weight_version="1") == (
        "processed"
    )
    assert processor.given == [(2, (0.5, None), {"weight_version": "1"})]
    process([output("a", 3), output("b", 1)], 0.6, None)
    found = counts.statistics(2)
    assert (found.prompt_tokens, found.generated_tokens) == (40, 5)


def test_vllm_goes_on_to_note_times_where_it_makes_spans_of_them() -> None:
    from engines.vllm_statistics import StepCounts

    llm = SimpleNamespace(log_stats=True, output_processor=Processor(tracing=True))
    StepCounts().count_tokens_of(llm)
    assert llm.log_stats


def test_what_counts_does_not_keep_vllm_alive() -> None:
    from engines.vllm_statistics import StepCounts

    counts, processor = StepCounts(), Processor()
    counts.count_tokens_of(SimpleNamespace(log_stats=True, output_processor=processor))
    alive = weakref.ref(processor)
    gc.disable()
    try:
        del processor
        assert alive() is None
    finally:
        gc.enable()


def test_vllm_itself_counts_no_tokens(vllm_engine: Engine) -> None:
    from prometheus_client import REGISTRY

    def noted() -> float:
        samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
        return sum(s.value for s in samples if s.name == "vllm:generation_tokens_total")

    async def main() -> None:
        before = noted(), await vllm_engine.statistics()
        context = await converse(vllm_engine, [("user", "Count"), ("assistant", "")])
        await vllm_engine.generate(context, Sampling(max_tokens=4, ignore_eos=True))
        after = noted(), await vllm_engine.statistics()
        assert after[0] == before[0]
        assert after[1].generated_tokens == before[1].generated_tokens + 4
        assert after[1].prompt_tokens == before[1].prompt_tokens + len(context.token_ids)

    run_in_portal(main)
