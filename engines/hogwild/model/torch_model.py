"""A model of transformers that can be decoded by several workers over one cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...errors import UsageError
from . import checkpoint
from .memory import free_bytes
from .network import Network
from .rotation import Rotation
from .torch_decoder import Sampler, TorchDecoder

_SUPPORTED = ("llama", "qwen2", "qwen3")
_DTYPES = ("bfloat16", "float16", "float32", "float64")


class TorchModel:
    """A Llama-, Qwen2- or Qwen3-type model, taken apart for attention over shared blocks.

    Args:
        model: A model of transformers for causal language modelling; it goes on to work, with the same weights.

    Attributes:
        network: Its weights.
        rotation: Its rotary positions.
        window: The longest sequence that it knows.
        eos_ids: What ends a sequence.
        vocabulary: How many ids a token can have.

    Raises:
        UsageError: It is of another type, or has parts that are not handled here.
    """

    def __init__(self, model: Any) -> None:
        _require_support(model.config)
        self.network = Network(model)
        self.rotation = Rotation(model.model.rotary_emb, model.dtype)
        self.window = _window(model.config)
        self.eos_ids = _eos_ids(model)
        self.vocabulary = self.network.vocabulary

    @classmethod
    def load(cls, path: str, *, dtype: str | None = None, device: str | None = None) -> TorchModel:
        """Loads a model.

        Args:
            path: A folder, or a name on the Hugging Face hub.
            dtype: None is float32 on a CPU, and the model's own on CUDA.
            device: None is CUDA where there is one.

        Raises:
            UsageError: There is no such model, device or dtype, or the model is not supported.
        """
        place = _device(device)
        if dtype is not None and dtype not in _DTYPES:
            raise UsageError(f"the dtype is {dtype!r}: use one of {', '.join(_DTYPES)}")
        precision = dtype or ("float32" if place.type == "cpu" else "auto")
        _require_support(checkpoint.configuration(path))
        model = checkpoint.weights(path, precision)
        try:
            return cls(model.to(place).eval())
        except torch.OutOfMemoryError as error:
            needed = sum(parameter.nbytes for parameter in model.parameters())
            raise UsageError(
                f"{path} takes {needed / 1e9:,.1f} GB and {free_bytes(place) / 1e9:,.1f} GB are free on {place}: "
                f"use a smaller model or a smaller dtype"
            ) from error

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.network.embedding.device

    @property
    def dtype(self) -> str:
        """Of its weights and of the cache."""
        return str(self.network.embedding.dtype).removeprefix("torch.")

    @property
    def token_bytes(self) -> int:
        """What the keys and values of one token take."""
        network = self.network
        numbers = 2 * len(network.layers) * network.kv_heads * network.head_dim
        return int(numbers * network.embedding.itemsize)

    @property
    def free_bytes(self) -> int:
        """The memory that is left for them."""
        return free_bytes(self.device)

    def decoder(self, views: Sequence[Sequence[int]], sampler: Sampler) -> TorchDecoder:
        """The blocks of a new session; see `TorchDecoder`."""
        return TorchDecoder(self.network, self.rotation, self.window, views, sampler)


def _require_support(config: Any) -> None:
    if config.model_type not in _SUPPORTED:
        raise UsageError(
            f"the hogwild engine runs models of the types {', '.join(_SUPPORTED)}, and this one is of the type "
            f"{config.model_type}: use another model"
        )
    if "sliding_attention" in (getattr(config, "layer_types", None) or ()):
        raise UsageError(
            "this model's attention slides over a window, which shared blocks cannot: use a model without it"
        )
    if getattr(config, "quantization_config", None):
        raise UsageError(
            "the hogwild engine runs weights that are not quantised, and this model's are: use the model that it was "
            "made from"
        )
    if config.hidden_act != "silu":
        raise UsageError(
            f"the hogwild engine knows the activation silu, and this model has {config.hidden_act}: use another model"
        )


def _window(config: Any) -> int:
    """What it knows by its rope, which can reach further than what it was first made for."""
    rope = getattr(config, "rope_parameters", None) or {}
    stretched = rope.get("factor", 1) * rope.get("original_max_position_embeddings", 0)
    return max(int(config.max_position_embeddings), int(stretched))


def _eos_ids(model: Any) -> frozenset[int]:
    ends = [model.generation_config.eos_token_id, model.config.eos_token_id]
    flat = [end for entry in ends for end in (entry if isinstance(entry, list) else [entry])]
    return frozenset(end for end in flat if end is not None)


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    numbered = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    known = ["cpu", *numbered]
    if name not in (*known, *["cuda"] * bool(numbered)):
        raise UsageError(f"there is no device {name!r} here: use {' or '.join(known)}")
    try:
        # An allocation, since a device that is there need not work.
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = checkpoint.first_line(error)
        raise UsageError(f"the device {name!r} cannot be used: {reason} Use cpu") from error
