"""Small LoRA adapters, written as PEFT writes them but without it and without PyTorch."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Matrix = tuple[int, int]

CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "r": 2,
    "lora_alpha": 4,
    "bias": "none",
    "modules_to_save": None,
    "rank_pattern": {},
    "use_dora": False,
}
Q = "base_model.model.model.layers.0.self_attn.q_proj"
V = "base_model.model.model.layers.0.self_attn.v_proj"
SHAPES: dict[str, tuple[int, ...]] = {
    f"{Q}.lora_A.weight": (2, 8),
    f"{Q}.lora_B.weight": (8, 2),
    f"{V}.lora_A.weight": (2, 8),
    f"{V}.lora_B.weight": (4, 2),
}
TENSORS = "adapter_model.safetensors"


def write_adapter(
    folder: Path,
    *,
    shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    seed: int = 1,
    numbers: Mapping[str, float] | None = None,
    kind: str = "F32",
    **changes: Any,
) -> Path:
    """An adapter with random numbers.

    Args:
        folder: Made if need be.
        shapes: Of its tensors.
        seed: Of its numbers.
        numbers: For the first number of some tensors.
        kind: In which they are written; the last bits of BF16 are cut off.
        changes: In its configuration; None leaves one out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {name: value for name, value in {**CONFIG, **changes}.items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    chance = random.Random(seed)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        values = [chance.gauss(0, 1) for _ in range(count)]
        if numbers and name in numbers:
            values[0] = numbers[name]
        packed = b"".join(_packed(kind, value) for value in values)
        offsets = [len(content), len(content) + len(packed)]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": offsets}
        content += packed
    text = json.dumps(header).encode()
    (folder / TENSORS).write_bytes(len(text).to_bytes(8, "little") + text + content)
    return folder


def _packed(kind: str, value: float) -> bytes:
    if kind == "F16":
        return struct.pack("<e", value)
    return struct.pack("<f", value)[2 if kind == "BF16" else 0 :]
