"""Opens a model for workers that share one attention cache. Imports PyTorch and transformers when it is opened."""

from __future__ import annotations

import importlib
import importlib.util
from functools import partial
from types import ModuleType

import anyio.to_thread

from ..engine import Engine
from ..errors import MissingExtra, UsageError
from ..in_process import LocalEngine
from ..model_choice import ModelChoice, choose_model
from ..model_hub import check_within_reach


def hogwild_engine(
    model: str | None = None, *, dtype: str | None = None, device: str | None = None
) -> LocalEngine:
    """Opens a model on PyTorch in this process; to be used with `async with` or a plain `with`.

    It is slower than vLLM for everything but `Sampling.collaboration`, which vLLM has no attention for.

    Args:
        model: A folder with a Hugging Face model of the type llama, qwen2 or qwen3, or a name on the hub; None is the
            embedded SmolLM2-135M-ForkJoin, and `smollm2` the SmolLM2-135M-Instruct that it was made of.
        dtype: Of weights and cache, such as `bfloat16`; None is float32 on a CPU and what the model has elsewhere.
        device: Such as `cuda:1`; None is a GPU where there is one.

    Raises:
        MissingExtra: PyTorch or transformers is not installed.
        UsageError: There is no such model.

    Opening it raises `ModelPreparationFailed` where the embedded model cannot be written to the cache, `EngineError`
    where the hub does not answer for a model that is not in its cache, and `UsageError` where the model, the dtype or
    the device is of a kind that it has no use for.
    """
    for module in ("torch", "transformers"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(f"{module}, which --engine hogwild runs on,", "hogwild")
    choice = choose_model(model)
    if choice.adapter is not None:
        raise UsageError(
            f"{model} is a LoRA adapter, which --engine hogwild does not add to a model: merge the two with PEFT and "
            f"give the folder of the merged model"
        )
    return LocalEngine(partial(_start, choice, dtype, device))


async def _start(choice: ModelChoice, dtype: str | None, device: str | None) -> Engine:
    found = await choice.find()
    await anyio.to_thread.run_sync(check_within_reach, found.path, abandon_on_cancel=True)
    module = await anyio.to_thread.run_sync(_import_engine, abandon_on_cancel=True)
    engine: Engine = await module.HogwildEngine.start(
        found.path, name=found.name, digest=found.digest, dtype=dtype, device=device
    )
    return engine


def _import_engine() -> ModuleType:
    return importlib.import_module("engines.hogwild.hogwild_engine")
