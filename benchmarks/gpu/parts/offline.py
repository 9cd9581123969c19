"""vLLM's own offline engine: `LLM.generate`, the layer that ours is measured beside.

    offline ─> a thread of this process ─> LLM ─> its engine core, a process of its own

It is made as whoever uses vLLM by itself makes it, with the options that are given and vLLM's own defaults for all
else, such as its first-come order of requests and no counting of steps.
"""

from __future__ import annotations

import copy
import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from engines import EngineError, Sampling
from engines.local import _cpu_options
from engines.process_guard import guarded_children
from engines.vllm_environment import START_LOCK, vllm_environment

_ERROR = re.compile(r"\b\w*(?:Error|Exception): \S.*")

Prompt = tuple[int, ...]
"""Token ids."""

Generate = Callable[[Sequence[Prompt], Sampling], Awaitable[Sequence[int]]]
"""Answers all prompts, and returns how many tokens each answer has."""


@asynccontextmanager
async def offline(model: str, options: Mapping[str, Any]) -> AsyncIterator[Generate]:
    """Opens `LLM` for a model, and ends it with the block.

    Args:
        model: Its folder.
        options: Of vLLM.

    Raises:
        EngineError: vLLM could not start.
    """
    descriptor, name = tempfile.mkstemp(prefix="forkjoin-offline-", suffix=".log")
    os.close(descriptor)
    log = Path(name)
    llm = await anyio.to_thread.run_sync(partial(_start, model, options, log))
    try:
        yield partial(_generate, llm)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(llm.llm_engine.engine_core.shutdown)
        log.unlink(missing_ok=True)


def _start(model: str, options: Mapping[str, Any], log: Path) -> Any:
    with START_LOCK, vllm_environment():
        from vllm.platforms import current_platform

    on_cpu = current_platform.is_cpu()
    # vLLM 0.25 writes into what it is given.
    given = copy.deepcopy(dict(options))
    if on_cpu:
        given = {**_cpu_options(given), **given}
    try:
        with START_LOCK, vllm_environment(on_cpu=on_cpu), guarded_children(log):
            from vllm import LLM

            return LLM(model=model, use_tqdm_on_load=False, **given)
    except Exception as error:  # vLLM raises what it likes here.
        logged = _ERROR.findall(log.read_text(errors="replace"))
        # The first is what happened, later ones are what it led to.
        cause = logged[0] if logged else error
        raise EngineError(f"vLLM's LLM cannot start {model}: {cause} (its log: {log})") from error


async def _generate(llm: Any, prompts: Sequence[Prompt], sampling: Sampling) -> Sequence[int]:
    return await anyio.to_thread.run_sync(partial(_generate_now, llm, prompts, sampling))


def _generate_now(llm: Any, prompts: Sequence[Prompt], sampling: Sampling) -> Sequence[int]:
    from vllm import SamplingParams

    parameters = SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        seed=sampling.seed,
        ignore_eos=sampling.ignore_eos,
    )
    asked = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
    outputs = llm.generate(asked, parameters, use_tqdm=False)
    return [len(output.outputs[0].token_ids) for output in outputs]
