"""Tensor and data parallel engines on two GPUs, each beside the plain engine on one (see `with_options`)."""

from __future__ import annotations

import json
from pathlib import Path

from ..figure import Figure
from ..part import Setting
from ..with_options import Option, OptionsBenchmark

_PART = "parallel"

TENSOR = Option(
    name="tensor parallel, 2 GPUs",
    vllm={"tensor_parallel_size": 2},
    says={"tensor_parallel_size": (2,)},
)
DATA = Option(
    name="data parallel, 2 GPUs",
    vllm={"data_parallel_size": 2},
    says={"data_parallel_size": (2,)},
)


async def measure(setting: Setting) -> list[Figure]:
    """Speeds of both; of none where there is one GPU."""
    import torch

    options = choose(setting, torch.cuda.device_count())
    return await OptionsBenchmark(_PART, setting, options).figures() if options else []


def choose(setting: Setting, gpus: int) -> list[Option]:
    """Those that this model and this machine can have; which cannot is said."""
    if gpus < 2:
        setting.say(f"{_PART}: tensor and data parallel engines are for two GPUs")
        return []
    if any(heads % 2 for heads in _heads(setting.model)):
        setting.say(
            f"{_PART}: the heads of this model do not split: tensor parallel is for --shape"
        )
        return [DATA]
    return [TENSOR, DATA]


def _heads(model: str) -> list[int]:
    """Numbers of attention heads, all of which tensor parallel has to split."""
    known = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    return [known[name] for name in ("num_attention_heads", "num_key_value_heads") if name in known]
