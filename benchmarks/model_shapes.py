"""Models with random weights in the shapes of real ones, made on the device itself: what a pass takes does not depend
on what the weights are, and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen3Config


def _qwen3_8b() -> Qwen3Config:
    return Qwen3Config(
        vocab_size=151_936,
        hidden_size=4_096,
        intermediate_size=12_288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    )


def _qwen2_5_32b() -> Qwen2Config:
    return Qwen2Config(
        vocab_size=152_064,
        hidden_size=5_120,
        intermediate_size=27_648,
        num_hidden_layers=64,
        num_attention_heads=40,
        num_key_value_heads=8,
        max_position_embeddings=40_960,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    )


SHAPES: Mapping[str, Callable[[], Any]] = {
    "qwen3-8b": _qwen3_8b,
    "qwen2.5-32b": _qwen2_5_32b,  # QwQ-32B's, too
}


def weight_bytes(shape: str) -> int:
    """What the weights take in bfloat16."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(SHAPES[shape](), dtype=torch.bfloat16)
    return sum(parameter.nbytes for parameter in model.parameters())


def random_model(shape: str, device: torch.device) -> Any:
    """A model of this shape in bfloat16. On a GPU this takes seconds."""
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(SHAPES[shape](), dtype=torch.bfloat16)
    return model.eval()
