"""Which model is taken when none, the plain one, or an own adapter is; and that the shipped adapter is whole."""

from __future__ import annotations

import errno
import importlib.util
import os
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import ModelPreparationFailed, UsageError, embedded_model, hogwild_engine
from engines.adapters import shipped
from engines.adapters.adapter import LoraAdapter, read_adapter
from engines.adapters.checksums import SUMS, write_checksums
from engines.adapters.shipped import is_shipped, shipped_adapter
from engines.model_choice import FoundModel, choose_model
from tests.engines.adapter_files import CONFIG, SHAPES, TENSORS, Q, write_adapter


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the adapter would be, and is not yet."""
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "forkjoin_adapter")
    return tmp_path / "forkjoin_adapter"


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[LoraAdapter | None]:
    """What was merged into the embedded model, which is a folder with the weights of one small layer."""
    merged: list[LoraAdapter | None] = []

    async def prepare(adapter: LoraAdapter | None = None) -> Path:
        merged.append(adapter)
        return model(tmp_path / "embedded")

    monkeypatch.setattr(embedded_model, "prepare", prepare)
    return merged


def model(folder: Path, v_rows: int = 4) -> Path:
    """A folder with a model of one layer, of which only the names and shapes count."""
    prefix = "model.layers.0.self_attn"
    shapes = {f"{prefix}.q_proj.weight": (8, 8), f"{prefix}.v_proj.weight": (v_rows, 8)}
    write_adapter(folder, shapes=shapes)
    (folder / TENSORS).rename(folder / "model.safetensors")
    (folder / "adapter_config.json").rename(folder / "config.json")
    return folder


def ship(folder: Path, **changes: Any) -> None:
    write_checksums(write_adapter(folder, **changes))


def found(chosen: str | None, adapter: Path | None = None) -> FoundModel:
    return anyio.run(choose_model(chosen, adapter).find)


def test_without_a_shipped_adapter_the_default_is_the_plain_model(
    folder: Path, prepared: list[LoraAdapter | None]
) -> None:
    assert not is_shipped()
    assert shipped_adapter() is None
    assert embedded_model.default_name() == "SmolLM2-135M-Instruct"
    assert found(None) == found("smollm2")
    assert prepared == [None, None]


def test_a_shipped_adapter_is_merged_by_default_and_not_into_the_plain_model(
    folder: Path, prepared: list[LoraAdapter | None]
) -> None:
    ship(folder)
    assert embedded_model.default_name() == "SmolLM2-135M-ForkJoin"
    trained, plain = found(None), found("smollm2")
    assert prepared == [read_adapter(folder), None]
    assert (trained.name, plain.name) == ("SmolLM2-135M-ForkJoin", "SmolLM2-135M-Instruct")
    assert trained.adapter is None
    assert (trained.digest, plain.digest) == (read_adapter(folder).digest, "")


@pytest.mark.parametrize("name", ["adapter_config.json", TENSORS, SUMS])
def test_a_shipped_adapter_that_lacks_a_file_is_told_and_the_plain_model_still_opens(
    folder: Path, prepared: list[LoraAdapter | None], name: str
) -> None:
    ship(folder)
    (folder / name).unlink()
    with pytest.raises(ModelPreparationFailed, match=rf"{name}.*plain model: smollm2$") as caught:
        found(None)
    assert len(str(caught.value).splitlines()) == 1
    assert found("smollm2").name == "SmolLM2-135M-Instruct"


def test_a_shipped_adapter_with_a_flipped_byte_is_told(
    folder: Path, prepared: list[LoraAdapter | None]
) -> None:
    ship(folder)
    whole = bytearray((folder / TENSORS).read_bytes())
    whole[-1] ^= 1
    (folder / TENSORS).write_bytes(whole)
    with pytest.raises(ModelPreparationFailed, match="its checksum is not that of SHA256SUMS"):
        found(None)
    assert prepared == []


def test_a_shipped_adapter_of_another_model_is_told(
    folder: Path, prepared: list[LoraAdapter | None]
) -> None:
    ship(folder, base_model_name_or_path="HuggingFaceTB/SmolLM-135M-Instruct")
    with pytest.raises(ModelPreparationFailed, match="trained on HuggingFaceTB/SmolLM-135M-Inst"):
        found(None)
    assert prepared == []


def test_an_own_adapter_of_the_embedded_model_is_for_the_plain_one(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    ship(folder)
    own = write_adapter(tmp_path / "mine", seed=2)
    here = found(None, own)
    assert prepared == [None]
    assert here.name == "SmolLM2-135M-Instruct+mine"
    assert here.adapter == read_adapter(own)
    assert here.digest == read_adapter(own).digest != read_adapter(folder).digest
    assert here == found("smollm2", own) == found(str(own))


def test_an_own_adapter_is_for_the_model_that_it_names(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    base = model(tmp_path / "base")
    own = write_adapter(tmp_path / "mine", base_model_name_or_path=str(base))
    assert found(None, own).path == str(base)
    assert found(str(own)).name == f"{base}+mine"
    hub = write_adapter(tmp_path / "hub", base_model_name_or_path="Qwen/Qwen3-8B")
    assert found(None, hub).path == "Qwen/Qwen3-8B"
    assert prepared == []


def test_the_model_that_is_given_is_taken_whatever_the_adapter_names(
    folder: Path, tmp_path: Path
) -> None:
    base = model(tmp_path / "base")
    own = write_adapter(tmp_path / "mine", base_model_name_or_path="/not/here")
    assert found(str(base), own).path == str(base)
    with pytest.raises(UsageError, match="'/not/here', which is not here: give its model too"):
        choose_model(None, own)


def test_an_adapter_of_another_model_is_not_for_the_embedded_one(tmp_path: Path) -> None:
    own = write_adapter(tmp_path, base_model_name_or_path="HuggingFaceTB/SmolLM-135M-Instruct")
    with pytest.raises(UsageError, match="was trained on HuggingFaceTB/SmolLM-135M-Instruct, not"):
        choose_model("smollm2", own)


@pytest.mark.parametrize("base", ["SmolLM2-135M-Instruct-mine", "me/smollm2-135m-instruct-v2"])
def test_what_may_be_another_model_of_the_same_shapes_is_not_taken_for_the_embedded_one(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path, base: str
) -> None:
    own = write_adapter(tmp_path / "mine", base_model_name_or_path=f"/home/me/{base}")
    with pytest.raises(UsageError, match=r"which is not here: give its model too"):
        choose_model(None, own)
    assert prepared == []


def test_an_adapter_that_does_not_name_its_model_is_told_so(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    own = write_adapter(tmp_path / "mine", base_model_name_or_path="")
    with pytest.raises(UsageError, match=r"/mine does not name the model .*: give its model too"):
        choose_model(None, own)
    assert prepared == []


@pytest.mark.parametrize("name", [f"{embedded_model.TRAINED_NAME}-0.1.2-601a4b2c8b33", "link"])
def test_an_adapter_is_not_added_to_a_model_that_has_it_already(tmp_path: Path, name: str) -> None:
    merged = model(tmp_path / f"{embedded_model.TRAINED_NAME}-0.1.2-601a4b2c8b33")
    (tmp_path / "link").symlink_to(merged)
    own = write_adapter(tmp_path / "mine")
    with pytest.raises(UsageError, match=r"adapter in it already.*mine .*: give smollm2 as its"):
        choose_model(str(tmp_path / name), own)
    # What was trained on that very model is for it.
    over = write_adapter(tmp_path / "over", base_model_name_or_path=str(merged))
    assert found(None, over).path == str(merged)


@pytest.mark.parametrize("name", ["adapter_config.json", TENSORS])
def test_an_own_adapter_with_checksums_beside_it_is_compared_with_them(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path, name: str
) -> None:
    own = tmp_path / "mine"
    ship(own)
    assert found(None, own).adapter is not None
    whole = bytearray((own / name).read_bytes())
    whole[-2] ^= 1
    (own / name).write_bytes(whole)
    for chosen, adapter in ((None, own), (str(own), None)):
        with pytest.raises(UsageError, match=rf"/mine/{name} is (damaged|no JSON)"):
            choose_model(chosen, adapter)


def test_an_adapter_of_many_modules_is_told_in_a_line(tmp_path: Path) -> None:
    shapes = {
        name.replace("layers.0", f"layers.{layer}"): shape
        for layer in range(30)
        for name, shape in SHAPES.items()
    }
    own = write_adapter(tmp_path / "mine", shapes=shapes)
    assert len(repr(read_adapter(own))) < 300


@pytest.mark.parametrize(
    "base", ["HuggingFaceTB/SmolLM2-135M-Instruct", "/cache/SmolLM2-135M-Instruct-0.1.2/", ""]
)
def test_names_of_the_embedded_model_are_known(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path, base: str
) -> None:
    own = write_adapter(tmp_path / "mine", base_model_name_or_path=base)
    assert found("smollm2", own).name == "SmolLM2-135M-Instruct+mine"


def test_an_adapter_is_compared_with_the_weights_of_its_model(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    other = model(tmp_path / "other", v_rows=8)
    own = write_adapter(tmp_path / "mine", base_model_name_or_path=str(other))
    with pytest.raises(UsageError, match=r"v_proj, which is 8 x 8 there"):
        found(None, own)
    foreign = {name.replace("layers.0", "layers.1"): shape for name, shape in SHAPES.items()}
    for base in (str(model(tmp_path / "base")), CONFIG["base_model_name_or_path"]):
        both = write_adapter(
            tmp_path / "both", shapes={**SHAPES, **foreign}, base_model_name_or_path=base
        )
        with pytest.raises(UsageError, match=r"no module model\.layers\.1\.self_attn"):
            found(None, both)


def test_other_names_than_those_of_a_folder_are_left_to_vllm_but_not_for_the_embedded_model(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    foreign = {name.replace("model.layers", "model.h"): shape for name, shape in SHAPES.items()}
    own = write_adapter(tmp_path / "mine", shapes=foreign)
    assert found(str(model(tmp_path / "base")), own).adapter is not None
    with pytest.raises(UsageError, match=r"has no module .*h\.0\.self_attn"):
        found("smollm2", own)


def test_the_shapes_of_packed_weights_say_nothing(tmp_path: Path) -> None:
    base, own = model(tmp_path / "base", v_rows=8), write_adapter(tmp_path / "mine")
    with pytest.raises(UsageError, match="does not fit"):
        found(str(base), own)
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b'"F32"', b'"U32"'))
    assert found(str(base), own).adapter is not None
    renamed = weights.read_bytes().replace(b'v_proj.weight"', b'v_proj.packed"')
    weights.write_bytes(renamed.replace(b'"U32"', b'"F32"', 1))
    assert found(str(base), own).adapter is not None


def test_an_adapter_with_a_number_that_is_none_is_refused_before_anything_starts(
    folder: Path, prepared: list[LoraAdapter | None], tmp_path: Path
) -> None:
    own = write_adapter(tmp_path / "mine", numbers={f"{Q}.lora_A.weight": float("nan")})
    with pytest.raises(UsageError, match="not finite"):
        found(None, own)
    assert prepared == []


def test_a_folder_without_an_adapter_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no LoRA adapter"):
        choose_model(None, tmp_path)
    with pytest.raises(UsageError, match="holds no Hugging Face model"):
        choose_model(str(tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_workers_over_one_cache_take_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a LoRA adapter, which --engine hogwild does not add"):
        hogwild_engine(str(write_adapter(tmp_path)))


def test_an_adapter_that_is_in_the_package_is_whole_and_for_the_embedded_model() -> None:
    adapter = shipped_adapter()
    if adapter is None:
        pytest.skip("no adapter is shipped yet")
    adapter.check_numbers()
    assert adapter.base.rpartition("/")[2].startswith("SmolLM2-135M-Instruct")
    assert sum(path.stat().st_size for path in adapter.folder.iterdir()) < 12_000_000


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "01-ai/Yi-1.5_9B"])
def test_a_name_of_the_hub_is_taken_as_it_is(name: str) -> None:
    assert found(name) == FoundModel(name, name)


@pytest.mark.parametrize(
    "name", ["./Qwen/Qwen3-8B", "/nowhere", "../x", "~/models/x", "a/b/c", "a/", "a/.b", "a b/c"]
)
def test_a_folder_that_is_not_there_is_told_and_what_a_name_of_the_hub_is(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_model(name)
    assert str(caught.value) == (
        f"there is no folder {name}: check its name; a name on the hub is ORG/NAME, such as Qwen/Qwen3-8B"
    )


def test_a_file_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x.gguf").touch()
    with pytest.raises(UsageError, match=r"models/x\.gguf is a file: give the folder"):
        choose_model("models/x.gguf")


def test_a_folder_that_one_may_not_enter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Modes of folders say nothing to root.
    closed, stat = tmp_path / "closed", Path.stat

    def refuse(self: Path, **options: Any) -> os.stat_result:
        if closed in self.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    closed.mkdir()
    for chosen in (str(closed), str(closed / "qwen")):
        with pytest.raises(UsageError) as caught:
            choose_model(chosen)
        assert str(caught.value) == f"the model {chosen} cannot be read: Permission denied"
    # Nor may one enter the folder of the model that an adapter was trained on.
    adapter = write_adapter(tmp_path / "adapter", base_model_name_or_path=str(closed / "qwen"))
    with pytest.raises(UsageError, match=r"/adapter was trained on '.*/qwen', which is not here"):
        choose_model(None, adapter)


def test_a_name_that_no_folder_can_have_is_told() -> None:
    name = "q" * 300
    with pytest.raises(UsageError, match=rf"^the model {name} cannot be read: File name too long$"):
        choose_model(name)
