from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engines import ModelPreparationFailed
from engines.adapters import shipped
from engines.adapters.checksums import write_checksums
from tests.engines.adapter_files import TENSORS, write_adapter
from training.weights import weights_of

PLAIN = "SmolLM2-135M-Instruct"


@pytest.fixture
def default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the adapter would be that comes with forkjoin."""
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


def test_an_adapter_is_the_same_wherever_it_lies_and_another_when_it_was_trained_anew(
    tmp_path: Path, default: Path
) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    first = weights_of(str(adapter))
    assert first.startswith(f"{PLAIN}+")
    shutil.copytree(adapter, default)
    write_checksums(default)
    assert weights_of(str(default)) == weights_of(None) == first
    write_adapter(adapter, seed=2)
    assert weights_of(str(adapter)) != first


def test_the_plain_model_is_the_default_where_no_adapter_is_shipped(default: Path) -> None:
    assert weights_of("smollm2") == weights_of(None) == PLAIN
    write_checksums(write_adapter(default))
    (default / "SHA256SUMS").write_text("garbage")
    with pytest.raises(ModelPreparationFailed, match=r"SHA256SUMS is damaged: .* forkjoin again"):
        weights_of(None)


def test_a_model_is_known_by_its_weights_and_one_of_the_hub_by_its_name(tmp_path: Path) -> None:
    folder = model(tmp_path / "one")
    first = weights_of(str(folder))
    shutil.copytree(folder, tmp_path / "two")
    (tmp_path / "two" / "README.md").write_text("says nothing of its weights")
    assert weights_of(str(tmp_path / "two")) == first
    model(folder, seed=2)
    assert weights_of(str(folder)) != first
    # So is what an adapter is added to.
    adapter = write_adapter(tmp_path / "adapter", base_model_name_or_path=str(folder))
    assert weights_of(str(adapter)).startswith(f"{weights_of(str(folder))}+")
    assert weights_of("me/model") == "me/model"


def model(folder: Path, seed: int = 1) -> Path:
    write_adapter(folder, seed=seed)
    (folder / TENSORS).rename(folder / "model.safetensors")
    (folder / "adapter_config.json").rename(folder / "config.json")
    return folder
