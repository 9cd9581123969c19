"""A LoRA adapter in PEFT's format (Hu et al. 2021): a folder with `adapter_config.json` and its tensors.

    W + scaling * B @ A         A: rank x inputs, B: outputs x rank, for each module that it changes

Whatever an adapter may have beside these two matrices is refused here, since who applies it would leave it out in
silence: wrong weights look like a weak model.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..kept_folder import checksum
from .tensor_file import Tensor, first_not_finite, read_numbers, read_tensors

if TYPE_CHECKING:
    import numpy

CONFIG = "adapter_config.json"
TENSORS = "adapter_model.safetensors"

# What PEFT wrote before it wrote safetensors: a pickle, which may run whatever it says.
_PICKLED = "adapter_model.bin"
_PREFIX = "base_model.model."
_A, _B = ".lora_A.weight", ".lora_B.weight"
# What makes more of an adapter than two matrices for a module, or other ones than they seem.
_MORE = (
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "fan_in_fan_out",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
)
# They begin at a base with other weights than the model's own.
_CHANGES_THE_BASE = ("corda", "loftq", "lora_ga", "olora", "pissa")


@dataclass(frozen=True)
class LoraAdapter:
    """An adapter whose files fit together. Made by `read_adapter`.

    Attributes:
        folder: Where it lies.
        base: The model that it was trained on, as its configuration names it; empty where it does not.
        rank: Of its matrices.
        scaling: What their product is multiplied by.
        shapes: Outputs and inputs of each module that it changes, by the module's name in the model.
        checksums: The SHA-256 of its two files, by their names.
    """

    folder: Path
    base: str
    rank: int
    scaling: float
    # Hundreds each, which no message has room for.
    shapes: Mapping[str, tuple[int, int]] = field(repr=False)
    checksums: Mapping[str, str] = field(repr=False)
    _tensors: Mapping[str, Tensor] = field(repr=False)

    @property
    def digest(self) -> str:
        """Twelve digits that tell what it adds to a model, wherever it lies."""
        # Not of the whole configuration, parts of which PEFT writes in another order each time.
        told = f"{self.scaling!r} {self.checksums[TENSORS]}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def check_numbers(self) -> None:
        """Reads all its numbers.

        Raises:
            UsageError: One is infinite or no number, or they are of a type that no adapter has.
        """
        path = self.folder / TENSORS
        name = first_not_finite(path, self._tensors)
        if name is not None:
            raise UsageError(f"{path} is damaged: {name} has numbers that are not finite")

    def check_fits(self, model: str, weights: Mapping[str, tuple[int, ...]]) -> None:
        """Compares it with the weights of a model.

        Args:
            model: What the model is called, for the message.
            weights: The shape of each of its weights, by name.

        Raises:
            UsageError: It changes a module that the model does not have, or that has another shape there.
        """
        for module, shape in self.shapes.items():
            there = weights.get(f"{module}.weight")
            if there is None:
                raise UsageError(
                    f"the adapter {self.folder} does not fit {model}, which has no module {module}: it was trained "
                    f"on {self.base or 'another model'}"
                )
            if there != shape:
                raise UsageError(
                    f"the adapter {self.folder} does not fit {model}: it changes a {_product(shape)} matrix "
                    f"{module}, which is {_product(there)} there; it was trained on {self.base or 'another model'}"
                )

    def merge(self, name: str, weight: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
        """Adds it to a weight of the model, in float32; one that it does not change stays as it is.

        Raises:
            UsageError: The sum has numbers that are not finite.
        """
        import numpy

        module = name.removesuffix(".weight")
        if module not in self.shapes:
            return weight
        path = self.folder / TENSORS
        a, b = (read_numbers(path, self._tensors[_PREFIX + module + side]) for side in (_A, _B))
        with numpy.errstate(over="ignore", invalid="ignore"):
            merged: numpy.ndarray[Any, Any] = weight + self.scaling * (b @ a)
        if not numpy.isfinite(merged).all():
            raise UsageError(
                f"the adapter {self.folder} makes weights of {module} that are not finite"
            )
        return merged


def read_adapter(folder: Path) -> LoraAdapter:
    """Reads an adapter's configuration and the names and shapes of its tensors.

    Raises:
        UsageError: It is no LoRA adapter, has more to it than two matrices for a module, or is damaged.
    """
    config = _read_config(folder / CONFIG)
    rank = _checked_rank(folder, config)
    scaling = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    if (folder / _PICKLED).exists() and not (folder / TENSORS).exists():
        raise UsageError(
            f"the adapter {folder} has its tensors in {_PICKLED}, which is not read: load it with PEFT and save it "
            f"again with save_pretrained(FOLDER), which writes {TENSORS}"
        )
    tensors = read_tensors(folder / TENSORS)
    shapes = _shapes(folder / TENSORS, tensors, rank)
    base = str(config.get("base_model_name_or_path") or "")
    checksums = {name: checksum(folder / name) for name in (CONFIG, TENSORS)}
    return LoraAdapter(folder, base, rank, scaling, shapes, checksums, tensors)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"the folder {path.parent} holds no LoRA adapter: {path.name}: {error.strerror}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON, or damaged: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path} is no configuration: it has to be a JSON object")
    return config


def _checked_rank(folder: Path, config: dict[str, Any]) -> int:
    """The rank, once all else of the configuration is what it has to be."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise UsageError(
            f"the adapter {folder} is of the type {kind!r}: only LORA adapters can be used"
        )
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise UsageError(f"the adapter {folder} has the rank r={rank!r}: {CONFIG} has to say it")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < math.inf:
        raise UsageError(f"the adapter {folder} has lora_alpha={alpha!r}: {CONFIG} has to say it")
    more = {name: config.get(name) for name in _MORE if config.get(name)}
    if config.get("bias", "none") != "none":
        more["bias"] = config["bias"]
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_CHANGES_THE_BASE):
        more["init_lora_weights"] = start
    for name, value in more.items():
        raise UsageError(
            f"the adapter {folder} has {name}={value!r}, which cannot be applied: train it without, or merge it into "
            f"its model with PEFT and give the folder of the merged model"
        )
    return rank


def _shapes(path: Path, tensors: Mapping[str, Tensor], rank: int) -> dict[str, tuple[int, int]]:
    names = {name for name in tensors if name.startswith(_PREFIX) and name.endswith((_A, _B))}
    for name in tensors.keys() - names:
        raise UsageError(f"{path} has a tensor {name}, which is no LoRA matrix of a linear layer")
    modules = dict.fromkeys(name.removesuffix(_A).removesuffix(_B) for name in tensors)
    if not modules:
        raise UsageError(f"{path} has no tensors: the adapter was not saved")
    return {module.removeprefix(_PREFIX): _shape(path, module, tensors, rank) for module in modules}


def _shape(path: Path, module: str, tensors: Mapping[str, Tensor], rank: int) -> tuple[int, int]:
    a, b = tensors.get(module + _A), tensors.get(module + _B)
    if a is None or b is None:
        raise UsageError(f"{path} is damaged: {module} has no lora_{'A' if a is None else 'B'}")
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != rank or b.shape[1] != rank:
        raise UsageError(
            f"{path}: {module} has matrices of {_product(b.shape)} and {_product(a.shape)}, which is not the rank "
            f"{rank} of {CONFIG}"
        )
    return b.shape[0], a.shape[1]


def _product(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
