"""Models with random weights in the shapes of real ones, made on the device itself: what a pass takes does not depend
on what the weights are, and nothing is downloaded.

`benchmarks.gpu.models` writes the same shapes for vLLM. Importing this module imports no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_QWEN3: Mapping[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000,
    "tie_word_embeddings": False,
    "vocab_size": 151_936,
    "max_position_embeddings": 40_960,
}

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "qwen3-8b": {
        **_QWEN3,
        "hidden_size": 4096,
        "intermediate_size": 12_288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
    },
    # QwQ-32B's, too.
    "qwen2.5-32b": {
        **_QWEN3,
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "rms_norm_eps": 1e-5,
        "vocab_size": 152_064,
        "hidden_size": 5120,
        "intermediate_size": 27_648,
        "num_hidden_layers": 64,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
    },
    # For rehearsals, on a CPU too.
    "tiny": {
        **_QWEN3,
        "vocab_size": 1024,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
    },
}
"""Configurations by name, as they stand in `config.json`: figures of the published models, but for the tiny one."""

PUBLISHED = tuple(name for name in SHAPES if name != "tiny")
"""Shapes of real models."""


def weight_bytes(shape: str) -> int:
    """What the weights take in bfloat16."""
    return sum(parameter.nbytes for parameter in _made(shape, "meta").parameters())


def random_model(shape: str, device: torch.device) -> Any:
    """A model of this shape in bfloat16. On a GPU this takes seconds."""
    return _made(shape, device).eval()


def _made(shape: str, device: torch.device | str) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(**SHAPES[shape])
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
