"""The embedded default: vLLM in this process with a model that needs no download."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import logging
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio.to_thread

from .engine import Engine
from .errors import EngineError, MissingExtra, UsageError
from .in_process import LocalEngine
from .model_choice import FoundModel, ModelChoice, choose_model
from .model_hub import check_within_reach
from .vllm_environment import START_LOCK, vllm_environment

_EXECUTOR = "distributed_executor_backend"
# float32, since most CPUs have no bfloat16 units (134 tokens/s against 54 here); eager, since compiling takes two
# minutes; blocks of 32 tokens, since the default of 128 shares less of a prefix; prompts in one step each, since a
# CPU's generator cannot be wound back: a seeded prompt of which a step takes only a part kills vLLM's core; the model
# in the core's own process, since a worker beside it imports everything once more, and waits in a busy loop.
CPU_OPTIONS: Mapping[str, Any] = {
    "dtype": "float32",
    "enforce_eager": True,
    "block_size": 32,
    "enable_chunked_prefill": False,
}
_IN_THE_CORE = {_EXECUTOR: "vllm.v1.executor.uniproc_executor.UniProcExecutor"}
# With these there are several workers, and how they run is left to vLLM.
_MANY_WORKERS = {"tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size"}
# Where one of these is set, vLLM may find a model of this name at another place than the hub.
_OTHER_PLACES = {"VLLM_USE_MODELSCOPE", "VLLM_MODEL_REDIRECT_PATH"}


def local_engine(
    model: str | None = None, *, adapter: str | Path | None = None, **options: Any
) -> LocalEngine:
    """Opens vLLM in this process; to be used with `async with` or a plain `with`.

    The synchronous form starts the engine on the loop that `Agent.run_sync` uses.

    Args:
        model: A folder with a Hugging Face model, or a name on the hub; None is the embedded SmolLM2-135M-ForkJoin,
            which is trained on this package's methods, and `smollm2` the SmolLM2-135M-Instruct that it was made of.
        adapter: A folder with a LoRA adapter in PEFT's format, which all requests use; without a model, the one that
            it was trained on is taken. A folder with an adapter can be given as the model too. (On a vLLM server an
            adapter is a model by the name that the server gave it: `HttpEngine(url, model=NAME)`.)
        options: vLLM's engine arguments, such as `max_model_len` or `gpu_memory_utilization`.

    Raises:
        MissingExtra: vLLM is not installed.
        UsageError: There is no such model or adapter, or the caller's file has no main guard.

    Opening it raises `ModelPreparationFailed` where the embedded model cannot be written to the cache, and
    `EngineError` where vLLM cannot start, or the hub does not answer for a model that is not in its cache.
    """
    _check_main_module()
    if importlib.util.find_spec("vllm") is None:
        raise MissingExtra("vLLM, which the local engine runs on,")
    return LocalEngine(partial(_start, choose_model(model, adapter), options))


async def _start(choice: ModelChoice, options: dict[str, Any]) -> Engine:
    found = await choice.find()
    try:
        return await _started(found, options)
    except EngineError as error:
        if found.adapter is None or found.adapter.base != found.path:
            raise
        raise EngineError(
            f"{error} (the adapter {found.adapter.folder} was trained on it)"
        ) from error


async def _started(found: FoundModel, options: dict[str, Any]) -> Engine:
    if not _OTHER_PLACES & os.environ.keys() and "hf_config_path" not in options:
        await anyio.to_thread.run_sync(check_within_reach, found.path, abandon_on_cancel=True)
    module = await anyio.to_thread.run_sync(_import_adapter, abandon_on_cancel=True)
    if found.name != found.path:
        options = {"served_model_name": found.name, **options}
    if module.runs_on_cpu():
        options = {**cpu_options(options), **options}
    # So that background work can stand back; without it vLLM refuses priorities. What is given is copied, since vLLM
    # 0.25 writes into it.
    options = {"scheduling_policy": "priority", **copy.deepcopy(options)}
    start: Callable[..., Awaitable[Engine]] = module.VllmEngine.start
    return await start(
        found.path,
        digest=found.digest,
        adapter=found.adapter,
        use_tqdm_on_load=False,
        **options,
    )


def cpu_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a CPU's engine in this process needs beside these options of vLLM."""
    return CPU_OPTIONS if _MANY_WORKERS & options.keys() else {**CPU_OPTIONS, **_IN_THE_CORE}


def _import_adapter() -> ModuleType:
    with START_LOCK, vllm_environment():
        # vLLM sets up its logging later than it first logs; the hub's client logs every retry.
        for name in ("vllm", "huggingface_hub"):
            logging.getLogger(name).setLevel(os.environ["VLLM_LOGGING_LEVEL"].upper())
        return importlib.import_module("engines.vllm_engine")


def _check_main_module() -> None:
    """The engine's process imports the caller's file, so that there has to be one, with a guard in it.

    Raises:
        UsageError: There is no file.
        SystemExit: In the engine's process: the file has no guard. Anything else would be a traceback.
    """
    main = getattr(sys.modules["__main__"], "__file__", None)
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(
            "forkjoin: the engine's process imports your file and runs it again: "
            'put what opens the engine under `if __name__ == "__main__":`'
        )
    if main is not None and not Path(main).exists():
        raise UsageError(f"the engine's process cannot import {main}: save the program to a file")
