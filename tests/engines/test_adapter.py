"""Reading adapters: what is refused, and that the line says which file and what to do."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from engines import UsageError
from engines.adapters.adapter import read_adapter
from engines.adapters.checksums import check_checksums, write_checksums
from tests.engines.adapter_files import SHAPES, TENSORS, Q, V, write_adapter

MODULE = "model.layers.0.self_attn"
WEIGHTS = {f"{MODULE}.q_proj.weight": (8, 8), f"{MODULE}.v_proj.weight": (4, 8), "other": (3,)}


def refusal(folder: Path) -> str:
    """The line that says why it cannot be used."""
    with pytest.raises(UsageError) as caught:
        read_adapter(folder).check_numbers()
    (line,) = str(caught.value).splitlines()
    assert str(folder) in line
    return line


def test_an_adapter_says_what_it_changes_and_how_much(tmp_path: Path) -> None:
    adapter = read_adapter(write_adapter(tmp_path))
    assert (adapter.rank, adapter.scaling) == (2, 2.0)
    assert adapter.base == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert adapter.shapes == {f"{MODULE}.q_proj": (8, 8), f"{MODULE}.v_proj": (4, 8)}
    adapter.check_numbers()
    adapter.check_fits("it", WEIGHTS)


def test_rank_stabilised_scaling_divides_by_the_root(tmp_path: Path) -> None:
    assert read_adapter(write_adapter(tmp_path, use_rslora=True)).scaling == 4 / math.sqrt(2)


def test_the_digest_tells_adapters_of_other_numbers_and_other_settings(tmp_path: Path) -> None:
    def digest(name: str, **changes: Any) -> str:
        return read_adapter(write_adapter(tmp_path / name, **changes)).digest

    first = digest("a")
    assert digest("b") == first
    # What PEFT writes beside what is added, and the order in which it writes a set, say nothing.
    assert digest("e", target_modules=["v_proj", "q_proj"]) == first
    assert len({first, digest("c", seed=2), digest("d", lora_alpha=8)}) == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"peft_type": "IA3"}, "of the type 'IA3'"),
        ({"peft_type": None}, "of the type None"),
        ({"r": None}, "r=None"),
        ({"r": 0}, "r=0"),
        ({"r": True}, "r=True"),
        ({"r": "2"}, "r='2'"),
        ({"r": 4}, "8 x 2 and 2 x 8, which is not the rank 4"),
        ({"lora_alpha": None}, "lora_alpha=None"),
        ({"lora_alpha": math.nan}, "lora_alpha=nan"),
        ({"lora_alpha": math.inf}, "lora_alpha=inf"),
        ({"use_dora": True}, "use_dora=True, which cannot be applied"),
        ({"bias": "all"}, "bias='all'"),
        ({"lora_bias": True}, "lora_bias=True"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save=['lm_head']"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern={'q_proj': 4}"),
        ({"alpha_pattern": {"q_proj": 4}}, "alpha_pattern={'q_proj': 4}"),
        ({"trainable_token_indices": [0]}, "trainable_token_indices=[0]"),
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights='pissa_niter_16'"),
        ({"init_lora_weights": "lora_ga"}, "init_lora_weights='lora_ga'"),
    ],
)
def test_a_configuration_that_two_matrices_cannot_follow_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    folder = write_adapter(tmp_path)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert reason in refusal(folder)


@pytest.mark.parametrize("start", [True, False, "gaussian", "eva"])
def test_how_an_adapter_began_is_no_matter_where_the_base_stayed(
    tmp_path: Path, start: bool | str
) -> None:
    read_adapter(write_adapter(tmp_path, init_lora_weights=start))


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "is no JSON"), ("[]", "a JSON object"), ("\0", "is no JSON")]
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (write_adapter(tmp_path) / "adapter_config.json").write_text(text)
    assert reason in refusal(tmp_path)


@pytest.mark.parametrize("missing", ["adapter_config.json", TENSORS])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write_adapter(tmp_path) / missing).unlink()
    line = refusal(tmp_path)
    assert missing in line
    assert "No such file" in line


def test_tensors_that_are_pickled_or_not_fetched_are_told_what_to_do_about(tmp_path: Path) -> None:
    tensors = write_adapter(tmp_path) / TENSORS
    tensors.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9824056\n")
    assert "is a pointer of Git LFS, and not yet the file: fetch" in refusal(tmp_path)
    tensors.rename(tmp_path / "adapter_model.bin")
    assert "in adapter_model.bin, which is not read: load it with PEFT and" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        (f"{Q}.lora_magnitude_vector", (8,), "lora_magnitude_vector, which is no LoRA matrix"),
        ("base_model.model.lm_head.weight", (8, 8), "lm_head.weight, which is no LoRA matrix"),
        ("model.layers.0.q_proj.lora_A.weight", (2, 8), "which is no LoRA matrix"),
        (f"{Q}.lora_embedding_A", (2, 8), "lora_embedding_A, which is no LoRA matrix"),
        ("base_model.model.x.lora_A.weight", (2, 8), "x has no lora_B"),
        ("base_model.model.x.lora_B.weight", (8, 2), "x has no lora_A"),
        (f"{V}.lora_B.weight", (4, 3), "4 x 3 and 2 x 8, which is not the rank 2"),
        (f"{V}.lora_A.weight", (16,), "4 x 2 and 16, which is not the rank 2"),
    ],
)
def test_a_tensor_that_is_no_half_of_a_pair_is_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], reason: str
) -> None:
    assert reason in refusal(write_adapter(tmp_path, shapes={**SHAPES, name: shape}))


def test_no_tensors_are_no_adapter(tmp_path: Path) -> None:
    assert "has no tensors" in refusal(write_adapter(tmp_path, shapes={}))


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_none_is_found(tmp_path: Path, number: float) -> None:
    name = f"{V}.lora_B.weight"
    assert f"{name} has numbers that are not finite" in refusal(
        write_adapter(tmp_path, numbers={name: number})
    )


def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = write_adapter(tmp_path) / TENSORS
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "damaged" in refusal(tmp_path)
    path.write_bytes(whole + b"\0")
    assert "instead of" in refusal(tmp_path)


def test_a_flipped_byte_anywhere_is_found_by_its_checksum(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path)
    write_checksums(folder)
    check_checksums(read_adapter(folder))
    found = 0
    for name in ("adapter_config.json", TENSORS):
        whole = bytearray((folder / name).read_bytes())
        for place in range(0, len(whole), 31):
            whole[place] ^= 1
            (folder / name).write_bytes(whole)
            try:
                adapter = read_adapter(folder)
            except UsageError:
                # What cannot be read needs no checksum.
                pass
            else:
                with pytest.raises(UsageError, match=f"{name} is damaged: its checksum"):
                    check_checksums(adapter)
                found += 1
            whole[place] ^= 1
        (folder / name).write_bytes(whole)
    assert found > 10
    check_checksums(read_adapter(folder))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\0garbage\n", b"sum  adapter_config.json\n", b"\n" * 9]
)
def test_checksums_that_are_none_are_told_and_not_the_files(tmp_path: Path, content: bytes) -> None:
    adapter = read_adapter(write_adapter(tmp_path))
    (tmp_path / "SHA256SUMS").write_bytes(content)
    with pytest.raises(UsageError, match=r"SHA256SUMS is damaged: it has no checksum of adapter_"):
        check_checksums(adapter)


def test_a_flipped_byte_in_a_header_is_refused_or_makes_another_adapter(tmp_path: Path) -> None:
    path = write_adapter(tmp_path) / TENSORS
    own = read_adapter(tmp_path)
    whole = bytearray(path.read_bytes())
    read = 0
    for place in range(0, 8 + int.from_bytes(whole[:8], "little"), 5):
        whole[place] ^= 4
        path.write_bytes(whole)
        with contextlib.suppress(UsageError):
            adapter = read_adapter(tmp_path)
            adapter.check_numbers()
            assert adapter.digest != own.digest
            read += 1
        whole[place] ^= 4
    # Most are refused; what is left are names and types that another file may have.
    assert read < 20


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({}, "which has no module model.layers.0.self_attn.q_proj"),
        ({**WEIGHTS, f"{MODULE}.v_proj.weight": (8, 8)}, "v_proj, which is 8 x 8 there"),
        ({**WEIGHTS, f"{MODULE}.q_proj.weight": (8, 9)}, "a 8 x 8 matrix"),
    ],
)
def test_an_adapter_of_another_model_is_refused(
    tmp_path: Path, weights: dict[str, tuple[int, ...]], reason: str
) -> None:
    adapter = read_adapter(write_adapter(tmp_path))
    with pytest.raises(UsageError, match=r"does not fit it.*trained on HuggingFaceTB/") as caught:
        adapter.check_fits("it", weights)
    assert reason in str(caught.value)
