"""Merging an adapter, and that nothing is changed or written before all is checked."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engines import UsageError
from engines.adapters.adapter import LoraAdapter, read_adapter
from tests.engines.adapter_files import SHAPES, Q, V, write_adapter

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
    ),
]


def small_weights() -> dict[str, Any]:
    """Of a model with the shapes of the adapters here, whose embeddings are its last layer too."""
    import torch

    torch.manual_seed(1)
    embeddings = torch.randn(16, 8)
    layer = "model.layers.0"
    return {
        "model.embed_tokens.weight": embeddings,
        f"{layer}.self_attn.q_proj.weight": torch.randn(8, 8),
        f"{layer}.self_attn.v_proj.weight": torch.randn(4, 8),
        f"{layer}.mlp.up_proj.weight": torch.randn(8, 8),
        f"{layer}.input_layernorm.weight": torch.randn(8),
        "lm_head.weight": embeddings,
    }


def merged(adapter: LoraAdapter) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights before and after."""
    from engines.embedded_weights import merge

    weights = small_weights()
    before = {name: tensor.clone() for name, tensor in weights.items()}
    merge(weights, adapter, "the small model")
    return before, weights


def changed(adapter: LoraAdapter) -> set[str]:
    before, after = merged(adapter)
    return {name for name in after if not before[name].equal(after[name])}


@pytest.mark.parametrize(("stabilised", "scaling"), [(False, 2.0), (True, 2.8284271)])
def test_the_scaled_product_is_added_to_the_modules_of_the_adapter(
    tmp_path: Path, stabilised: bool, scaling: float
) -> None:
    from safetensors.torch import load_file

    folder = write_adapter(tmp_path, use_rslora=stabilised)
    before, after = merged(read_adapter(folder))
    matrices = load_file(folder / "adapter_model.safetensors")
    for name, weight in before.items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        if module not in (Q, V):
            assert after[name].equal(weight)
            continue
        a, b = matrices[f"{module}.lora_A.weight"], matrices[f"{module}.lora_B.weight"]
        for row in range(weight.shape[0]):
            for column in range(weight.shape[1]):
                change = sum(float(b[row, i] * a[i, column]) for i in range(2))
                wanted = float(weight[row, column]) + scaling * change
                assert float(after[name][row, column]) == pytest.approx(wanted, abs=1e-5)


def test_an_adapter_with_nothing_in_b_changes_nothing(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    path = write_adapter(tmp_path) / "adapter_model.safetensors"
    tensors = load_file(path)
    save_file({name: tensor * ("lora_A" in name) for name, tensor in tensors.items()}, path)
    assert changed(read_adapter(tmp_path)) == set()
    # In the number format that adapters are shipped in.
    save_file({name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}, path)
    assert len(changed(read_adapter(tmp_path))) == 2


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ({f"{V}.lora_B.weight": (8, 2)}, "v_proj, which is 4 x 8 there"),
        (
            {name.replace("layers.0", "layers.1"): shape for name, shape in SHAPES.items()},
            r"no module model\.layers\.1",
        ),
        (
            # Tied to the embeddings, which it would change too.
            {f"base_model.model.lm_head.lora_{side}.weight": shape for side, shape in
             (("A", (2, 8)), ("B", (16, 2)))},
            "no module lm_head",
        ),
    ],
)  # fmt: skip
def test_an_adapter_of_another_shape_is_refused_and_changes_nothing(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], reason: str
) -> None:
    from engines.embedded_weights import merge

    weights = small_weights()
    before = {name: tensor.clone() for name, tensor in weights.items()}
    adapter = read_adapter(write_adapter(tmp_path, shapes={**SHAPES, **shapes}))
    with pytest.raises(UsageError, match=reason):
        merge(weights, adapter, "the small model")
    assert all(before[name].equal(weights[name]) for name in weights)


def test_numbers_that_are_none_before_or_after_are_refused(tmp_path: Path) -> None:
    name = f"{Q}.lora_B.weight"
    with pytest.raises(UsageError, match=rf"damaged: {name} has numbers that are not finite"):
        merged(read_adapter(write_adapter(tmp_path, numbers={name: float("inf")})))
    with pytest.raises(UsageError, match=r"makes weights of model.* that are not finite"):
        merged(read_adapter(write_adapter(tmp_path, numbers={name: 3e38}, lora_alpha=1e6)))


def test_nothing_is_written_where_the_adapter_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines import embedded_weights

    model = SimpleNamespace(
        config=SimpleNamespace(quantization_config=None), state_dict=small_weights
    )
    loader = SimpleNamespace(from_pretrained=lambda *folder, gguf_file: model)
    stub = SimpleNamespace(AutoModelForCausalLM=loader, AutoTokenizer=None)
    monkeypatch.setitem(sys.modules, "transformers", stub)
    here = ModuleSpec("here", None, is_package=True)
    here.submodule_search_locations = ["here"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: here)
    bad = {f"{V}.lora_B.weight": (8, 2)}
    adapter = read_adapter(write_adapter(tmp_path / "adapter", shapes={**SHAPES, **bad}))
    (tmp_path / "target").mkdir()
    with pytest.raises(UsageError, match="does not fit the embedded model"):
        embedded_weights.write(tmp_path / "target", adapter)
    assert list((tmp_path / "target").iterdir()) == []
