from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import anyio
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, MistralConfig

from engines import UsageError, embedded_model
from engines.hogwild.layout import views
from engines.hogwild.model import torch_model
from engines.hogwild.model.torch_model import TorchModel
from tests.engines.hogwild_reference import FAMILIES, Dense, Likeliest, difference, random_model

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reference_says_what_transformers_does(family: str) -> None:
    model = random_model(family, torch.float32)
    reference = Dense(model, [(0,)])
    reference.read([3, 1, 4])
    reference.write({0: [1, 5, 9, 2]})
    with torch.no_grad():
        expected = model(torch.tensor([[3, 1, 4, 1, 5, 9, 2]])).logits[0, -1:]
    assert difference(reference.logits(), expected) < 1e-5


def storage_bytes(model: Any) -> int:
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage() for p in model.parameters()}
    return sum(storage.nbytes() for storage in storages.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_held_once_and_the_model_goes_on_to_work(family: str) -> None:
    model = random_model(family, torch.float32)
    before, ids = storage_bytes(model), torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        expected = model(ids).logits
        network = TorchModel(model).network
        assert torch.equal(model(ids).logits, expected)
    assert storage_bytes(model) == before
    attention = model.model.layers[1].self_attn
    shared = network.layers[1].query_key_value.weight.untyped_storage().data_ptr()
    assert attention.k_proj.weight.untyped_storage().data_ptr() == shared


def test_biases_everywhere_are_added() -> None:
    plain = random_model("llama", torch.float32, attention_bias=True, mlp_bias=True)
    sampler = Likeliest()
    TorchModel(copy.deepcopy(plain)).decoder([(0,)], sampler).write({0: [1, 2, 3]})
    with torch.no_grad():
        expected = plain(torch.tensor([[1, 2, 3]])).logits[0, -1:]
    assert difference(sampler.shown[0], expected) < 1e-5


def test_bfloat16_is_close_to_float32() -> None:
    plain = random_model("qwen3", torch.bfloat16, initializer_range=0.05)
    sampler = Likeliest()
    decoder = TorchModel(copy.deepcopy(plain)).decoder(views("combined", 2).of, sampler)
    reference = Dense(plain.float(), views("combined", 2).of)
    for one in (decoder, reference):
        one.read([1, 2, 3, 4])
        one.write({0: [5, 6, 7], 1: [8]})
        one.commit(0)
        one.write({0: [9], 1: [10]})
    assert sampler.shown[0].dtype == torch.bfloat16
    assert difference(torch.cat(sampler.shown).float(), reference.logits()) < 0.05


def test_a_model_says_what_a_session_has_to_know_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TorchModel.load(str(anyio.run(embedded_model.prepare)), device="cpu")
    assert (model.window, model.vocabulary, model.eos_ids) == (8192, 49152, frozenset({2}))
    assert (model.dtype, model.device.type) == ("float32", "cpu")
    assert model.token_bytes == 30 * 2 * 3 * 64 * 4
    assert model.free_bytes > 0
    # From one look to the next it changes, since others take memory too.
    monkeypatch.setattr(torch_model, "free_bytes", {torch.device("cpu"): 1000}.__getitem__)
    assert model.free_bytes == 1000


def test_several_ends_are_known_and_a_stretched_window() -> None:
    rope: dict[str, Any] = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}
    rope["original_max_position_embeddings"] = 64
    sizes: dict[str, Any] = {
        "rope_parameters": rope,
        "max_position_embeddings": 64,
        "eos_token_id": [1, 2],
    }
    model = random_model("qwen2", torch.float32, **sizes)
    model.generation_config.eos_token_id = [2, 3]
    assert TorchModel(model).eos_ids == {1, 2, 3}
    assert TorchModel(model).window == 256


@pytest.mark.parametrize("rope_type", ["dynamic", "longrope"])
def test_frequencies_that_depend_on_the_length_are_refused(rope_type: str) -> None:
    rope: dict[str, Any] = {"rope_type": rope_type, "rope_theta": 1e4, "factor": 4.0}
    if rope_type == "longrope":
        rope |= {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
        rope["original_max_position_embeddings"] = 64
    model = random_model("llama", torch.float32, rope_parameters=rope)
    with pytest.raises(UsageError, match=f"rope type '{rope_type}' turns keys by the length"):
        TorchModel(model)


def test_sliding_attention_is_refused() -> None:
    sliding: dict[str, Any] = {
        "use_sliding_window": True,
        "sliding_window": 8,
        "max_window_layers": 1,
    }
    with pytest.raises(UsageError, match="slides over a window"):
        TorchModel(random_model("qwen3", torch.float32, **sliding))


def test_other_activations_are_refused() -> None:
    with pytest.raises(UsageError, match="this model has gelu"):
        TorchModel(random_model("llama", torch.float32, hidden_act="gelu"))


def test_layers_with_more_than_is_computed_here_are_refused() -> None:
    model = random_model("llama", torch.float32)
    model.model.layers[1].self_attn.sinks = torch.nn.Identity()
    with pytest.raises(UsageError, match=r"does not know \(sinks\)"):
        TorchModel(model)


def test_weights_that_are_not_plain_are_refused() -> None:
    packed = type("Packed", (torch.nn.Linear,), {})
    model = random_model("llama", torch.float32)
    model.model.layers[0].mlp.down_proj = packed(64, 48)
    with pytest.raises(UsageError, match=r"does not know \(down_proj: Packed\)"):
        TorchModel(model)


@pytest.mark.parametrize("config", [GPT2Config(), MistralConfig()])
def test_other_models_are_refused_before_they_are_read(config: Any, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    expected = f"types llama, qwen2, qwen3, and this one is of the type {config.model_type}"
    with pytest.raises(UsageError, match=expected):
        TorchModel.load(str(tmp_path), device="cpu")


def test_quantised_models_are_refused_before_they_are_read(tmp_path: Path) -> None:
    config = FAMILIES["qwen2"](quantization_config={"quant_method": "awq", "bits": 4})
    config.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="not quantised"):
        TorchModel.load(str(tmp_path), device="cpu")


ABSENT = ("abacus", "gpu", "mps", "meta", "cuda:99")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "cannot be loaded: "),
        ({"dtype": "int8"}, "the dtype is 'int8': use one of bfloat16, float16"),
        *(({"device": name}, f"^there is no device '{name}' here: use cpu") for name in ABSENT),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(
    options: dict[str, str], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=expected) as refused:
        TorchModel.load(str(tmp_path), **{"device": "cpu", **options})
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.skipif(torch.cuda.is_available(), reason="it works here")
def test_a_device_that_is_there_and_does_not_work_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match=r"here: use cpu or cuda:0 or cuda:1$"):
        TorchModel.load(str(tmp_path), device="gpu")
    with pytest.raises(UsageError, match=r"^the device 'cuda' cannot be used: .* Use cpu$"):
        TorchModel.load(str(tmp_path), device="cuda")


def test_a_model_is_saved_and_loaded_with_another_dtype(tmp_path: Path) -> None:
    random_model("qwen3", torch.float32).save_pretrained(tmp_path)
    assert TorchModel.load(str(tmp_path), device="cpu").dtype == "float32"
    model = TorchModel.load(str(tmp_path), device="cpu", dtype="bfloat16")
    assert (model.dtype, model.token_bytes) == ("bfloat16", 2 * 2 * 2 * 16 * 2)
    assert AutoModelForCausalLM.from_pretrained(tmp_path).dtype == torch.float32
