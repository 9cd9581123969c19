"""Options of vLLM that reach it: speculation, quantised weights; each beside the plain engine (see `with_options`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..figure import Figure
from ..models import DUMMY, write_shape
from ..part import Setting
from ..with_options import Option, OptionsBenchmark

_PART = "options"
_GUESSES = 4
GPTQ: Mapping[str, Any] = {
    "quant_method": "gptq",
    "bits": 4,
    "group_size": 128,
    "desc_act": False,
    "sym": True,
    "lm_head": False,
    # vLLM 0.25 looks for them in the weights, finds none in a folder without weights, and quantises nothing.
    "modules_in_block_to_quantize": [
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
        "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
    ],
}  # fmt: skip
"""What stands in the configuration of a model with 4-bit weights."""

NGRAM = Option(
    name="n-gram speculation",
    vllm={
        "speculative_config": {
            "method": "ngram",
            "num_speculative_tokens": _GUESSES,
            "prompt_lookup_min": 2,
            "prompt_lookup_max": 4,
        }
    },
    says={"speculation": ("ngram",)},
    speculates=True,
)
MARLIN = Option(
    name="4-bit weights (GPTQ, Marlin kernels)",
    # On Hopper vLLM would choose Machete by itself.
    vllm={"hf_overrides": {"quantization_config": GPTQ}, "linear_backend": "marlin"},
    says={"quantization": ("auto_gptq", "gptq_marlin")},
    kernel="Marlin",
)
FP8 = Option(
    name="8-bit weights (fp8)",
    vllm={"quantization": "fp8"},
    says={"quantization": ("fp8", "fp8_per_tensor")},
)


async def measure(setting: Setting) -> list[Figure]:
    """Speeds with each option, and whether speculation leaves texts as they are."""
    import torch

    options = choose(setting, on_gpu=torch.cuda.is_available())
    return await OptionsBenchmark(_PART, setting, options).figures()


def choose(setting: Setting, on_gpu: bool) -> list[Option]:
    """Those that this model and this machine can have; which cannot is said."""
    dummy = DUMMY.items() <= setting.options.items()
    options = [NGRAM]
    if not on_gpu:
        setting.say(f"{_PART}: quantised weights are for a GPU")
    elif dummy:
        options += [MARLIN, FP8]
    else:
        setting.say(f"{_PART}: 4-bit weights are for a model that has some, or --shape")
        options.append(FP8)
    return [*options, _draft(setting, dummy)]


def _draft(setting: Setting, dummy: bool) -> Option:
    """Guesses of another model. Where none is given the model guesses for itself, or random weights do."""
    folder = Path(setting.model)
    name = "the model itself"
    if setting.draft is not None:
        folder = Path(setting.draft).absolute()
        name = folder.name
    elif dummy:
        folder = write_shape("tiny", folder, folder.parent / "drafts")
        name = "tiny, random"
    # vLLM sees from the folder whether it is a model of its own, an EAGLE or a Medusa head.
    given = {"model": str(folder), "num_speculative_tokens": _GUESSES}
    return Option(
        name=f"draft model ({name})",
        vllm={"speculative_config": given},
        says={"draft": (str(folder),)},
        speculates=True,
    )
