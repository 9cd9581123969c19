from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engines import UsageError
from engines.hogwild.model import checkpoint
from tests.engines.hogwild_reference import random_model

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    pytest.mark.filterwarnings("ignore"),
]


def saved(folder: Path, **settings: Any) -> Path:
    random_model("llama", torch.float32, **settings).save_pretrained(folder)
    return folder


def change_weights(
    folder: Path, *, without: tuple[str, ...] = (), more: Mapping[str, Any] | None = None
) -> None:
    file = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(file).items() if name not in without}
    save_file(kept | dict(more or {}), file, metadata={"format": "pt"})


def refusal(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        checkpoint.weights(str(folder), "float32")
    said = str(caught.value)
    assert "\n" not in said
    assert str(folder) in said
    return said


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    names = [f"model.layers.1.mlp.{part}_proj.weight" for part in ("down", "up")]
    change_weights(saved(tmp_path), without=(names[1],))
    assert refusal(tmp_path).endswith(f"lack {names[1]}: download the model again")
    change_weights(tmp_path, without=(names[0],))
    assert refusal(tmp_path).endswith(f"lack {names[0]} and 1 more: download the model again")


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_is_missing_where_it_is_not_the_embedding(tied: bool, tmp_path: Path) -> None:
    change_weights(saved(tmp_path, tie_word_embeddings=tied), without=("lm_head.weight",))
    if tied:
        model = checkpoint.weights(str(tmp_path), "float32")
        assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
    else:
        assert "lack lm_head.weight: " in refusal(tmp_path)


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    file = saved(tmp_path) / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "are damaged (" in refusal(tmp_path)
    assert refusal(tmp_path).endswith("): download the model again")


def test_a_shape_that_is_not_the_configuration_s_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path) / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"intermediate_size": 128}))
    expected = "has the shape [48, 64] and config.json says [48, 128]: use the config.json that"
    assert refusal(tmp_path).startswith("model.layers.0.mlp.down_proj.weight of ")
    assert expected in refusal(tmp_path)


def test_what_a_layer_would_be_computed_without_is_refused_and_another_head_is_not(
    tmp_path: Path,
) -> None:
    change_weights(saved(tmp_path), more={"score.weight": torch.ones(2, 48)})
    checkpoint.weights(str(tmp_path), "float32")
    name = "model.layers.0.self_attn.q_proj.bias"
    change_weights(tmp_path, more={name: torch.ones(96)})
    assert f"have {name}, which config.json knows nothing of" in refusal(tmp_path)
