"""The embedded default: vLLM in this process with a model that needs no download."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import anyio.to_thread

from . import embedded_model
from .engine import Engine
from .errors import MissingExtra, UsageError
from .portal import PORTAL, run_in_portal

# vLLM reads these when it is imported or when its core starts; what the user has set stays.
_ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    # What a killed core leaves is cleaned up; the process that does it need not tell.
    "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
}
# float32, since most CPUs have no bfloat16 units (134 tokens/s against 54 here); eager, since compiling takes two
# minutes; blocks of 32 tokens, since the default of 128 shares less of a prefix.
_CPU_OPTIONS: dict[str, Any] = {"dtype": "float32", "enforce_eager": True, "block_size": 32}


def local_engine(model: str | None = None, **options: Any) -> LocalEngine:
    """Opens vLLM in this process; to be used with `async with` or a plain `with`.

    The synchronous form starts the engine on the loop that `Agent.run_sync` uses.

    Args:
        model: A folder with a Hugging Face model, or a name on the hub; None is the embedded SmolLM2-135M-Instruct.
        options: vLLM's engine arguments, such as `max_model_len` or `gpu_memory_utilization`.

    Raises:
        MissingExtra: vLLM is not installed.
        UsageError: There is no such model.
    """
    if importlib.util.find_spec("vllm") is None:
        raise MissingExtra("vLLM, which the local engine runs on,", "cpu")
    if model is not None:
        _check_model(model)
    return LocalEngine(model, options)


@dataclass
class LocalEngine:
    """Opens and closes a `VllmEngine`; see `local_engine`."""

    model: str | None
    options: dict[str, Any]
    _engine: Engine | None = None
    _exits: ExitStack = field(default_factory=ExitStack)

    async def __aenter__(self) -> Engine:
        self._engine = await _start(self.model, self.options)
        return self._engine

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._engine is not None:
            await self._engine.aclose()

    def __enter__(self) -> Engine:
        with ExitStack() as exits:
            exits.enter_context(PORTAL)
            engine = run_in_portal(lambda: _start(self.model, self.options))
            exits.callback(run_in_portal, engine.aclose)
            self._exits = exits.pop_all()
        return engine

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()


async def _start(model: str | None, options: dict[str, Any]) -> Engine:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if model is None:
        folder: Path | str = await embedded_model.prepare()
        options = {"served_model_name": embedded_model.NAME, **options}
    else:
        folder = model
    if Path(folder).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    module = await anyio.to_thread.run_sync(_import_adapter, abandon_on_cancel=True)
    if module.runs_on_cpu():
        options = {**_CPU_OPTIONS, **options}
    start: Callable[..., Awaitable[Engine]] = module.VllmEngine.start
    return await start(str(folder), use_tqdm_on_load=False, **options)


def _import_adapter() -> ModuleType:
    # vLLM sets up its logging later than it first logs; the hub's client logs every retry.
    for name in ("vllm", "huggingface_hub"):
        logging.getLogger(name).setLevel(os.environ["VLLM_LOGGING_LEVEL"])
    return importlib.import_module("engines.vllm_engine")


def _check_model(model: str) -> None:
    """A model is a folder, or what may be a name on the hub (`owner/name`)."""
    folder = Path(model)
    if folder.is_dir():
        if not any((folder / name).exists() for name in ("config.json", "params.json")):
            raise UsageError(
                f"the folder {model} holds no Hugging Face model: it has no config.json"
            )
        return
    parts = model.split("/")
    if len(parts) != 2 or not all(parts) or model.startswith("."):
        raise UsageError(
            f"there is no model {model!r}: give a folder with a Hugging Face model or a hub name such as "
            f"Qwen/Qwen3-8B, or leave it out for the embedded {embedded_model.NAME}"
        )
