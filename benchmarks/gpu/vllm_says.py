"""What vLLM says of itself while it runs: which options reached it, what it guessed. Nothing, of any other engine.

It looks into `VllmEngine`, since nobody but a benchmark asks.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines import Engine

_LEVEL = "VLLM_LOGGING_LEVEL"
_KERNEL = re.compile(r"\b(?:Using|Selected) (\w+Kernel)\b")
_DRAFTED = "vllm:spec_decode_num_draft_tokens_total"
_ACCEPTED = "vllm:spec_decode_num_accepted_tokens_total"


@contextmanager
def kernels_in_log() -> Iterator[None]:
    """Lets the core of an engine that starts in this block log which kernels it has chosen. This process is quiet."""
    logger = logging.getLogger("vllm")
    before, level, disabled = os.environ.get(_LEVEL), logger.level, logging.root.manager.disable
    os.environ[_LEVEL] = "INFO"
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        logger.setLevel(level)
        os.environ.pop(_LEVEL)
        if before is not None:
            os.environ[_LEVEL] = before


def vllm_says(engine: Engine) -> Mapping[str, Any]:
    """How it was configured in the end, how many tokens its KV cache holds, and the kernels in its log."""
    config = _configuration(engine)
    if config is None:
        return {}
    parallel, cache = config.parallel_config, config.cache_config
    speculative = config.speculative_config
    return {
        "dtype": str(config.model_config.dtype),
        "quantization": config.model_config.quantization,
        "speculation": None if speculative is None else speculative.method,
        "draft": None if speculative is None else speculative.model,
        "tensor_parallel_size": parallel.tensor_parallel_size,
        "data_parallel_size": parallel.data_parallel_size,
        "kv_tokens": (cache.num_gpu_blocks or 0) * cache.block_size,
        "kernels": _kernels(engine),
    }


def drafts_of(engine: Engine) -> tuple[int, int]:
    """Tokens that speculation guessed so far, and those of them that were right."""
    if _configuration(engine) is None:
        return 0, 0
    from prometheus_client import REGISTRY

    found = {_DRAFTED: 0.0, _ACCEPTED: 0.0}
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name in found:
                found[sample.name] += sample.value
    return int(found[_DRAFTED]), int(found[_ACCEPTED])


def _configuration(engine: Engine) -> Any:
    return getattr(getattr(engine, "_llm", None), "vllm_config", None)


def _kernels(engine: Engine) -> list[str]:
    log = getattr(engine, "_log", None)
    if not isinstance(log, Path) or not log.exists():
        return []
    return sorted(set(_KERNEL.findall(log.read_text(encoding="utf-8", errors="replace"))))
