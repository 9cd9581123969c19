"""vLLM's own offline engine: `LLM.generate`, the layer that ours is measured beside.

    offline ─> a thread of this process ─> LLM ─> its engine core, a process of its own

It is made as whoever uses vLLM by itself makes it, with the options that are given and vLLM's own defaults for all
else, such as its first-come order of requests and no counting of steps.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from engines import EngineDead, EngineError, Sampling, single_error
from engines.local import cpu_options
from engines.process_guard import first_error, guarded_children, kill_session
from engines.vllm_environment import START_LOCK, vllm_environment

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.1

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
    thread = _CoreThread()
    llm = await thread.run(partial(_start, model, options, log))
    try:
        yield partial(_generate, thread, llm)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(llm.llm_engine.engine_core.shutdown)
        log.unlink(missing_ok=True)


class _CoreThread:
    """A thread that waits for the core of an `LLM`. It cannot be interrupted, but ends when the core does."""

    def __init__(self) -> None:
        self._others = {process.pid for process in multiprocessing.active_children()}

    async def run(self, work: Callable[[], T], wake: Callable[[], None] = lambda: None) -> T:
        """What the work returns. Cancelled, it kills the core, and wakes what still waits for it."""
        ended = False

        def worked() -> T:
            nonlocal ended
            try:
                return work()
            finally:
                ended = True

        async def kill_when_cancelled() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    while not ended:
                        self._kill()
                        wake()
                        await anyio.sleep(_SECONDS_BETWEEN_LOOKS)

        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(kill_when_cancelled)
                try:
                    result = await anyio.to_thread.run_sync(worked)
                except Exception:
                    # That of a core that was killed here is no news.
                    await anyio.lowlevel.checkpoint_if_cancelled()
                    raise
                group.cancel_scope.cancel()
        return result

    def _kill(self) -> None:
        for process in multiprocessing.active_children():
            if process.pid not in self._others:
                kill_session(process)


def _start(model: str, options: Mapping[str, Any], log: Path) -> Any:
    with START_LOCK, vllm_environment():
        from vllm.platforms import current_platform

    on_cpu = current_platform.is_cpu()
    # vLLM 0.25 writes into what it is given.
    given = copy.deepcopy(dict(options))
    if on_cpu:
        given = {**cpu_options(given), **given}
    try:
        with START_LOCK, vllm_environment(on_cpu=on_cpu), guarded_children(log):
            from vllm import LLM

            return LLM(model=model, use_tqdm_on_load=False, **given)
    except Exception as error:  # vLLM raises what it likes here.
        cause = first_error(log) or error
        raise EngineError(f"vLLM's LLM cannot start {model}: {cause} (its log: {log})") from error


async def _generate(
    thread: _CoreThread, llm: Any, prompts: Sequence[Prompt], sampling: Sampling
) -> Sequence[int]:
    def wake() -> None:
        # What comes from the core; a core that is killed puts nothing there, and `LLM` would wait for ever.
        llm.llm_engine.engine_core.outputs_queue.put_nowait(EngineDead("the core was killed"))

    return await thread.run(partial(_generate_now, llm, prompts, sampling), wake)


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
