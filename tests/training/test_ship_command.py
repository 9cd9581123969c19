from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.adapters.adapter import read_adapter
from engines.adapters.checksums import check_checksums
from tests.engines.adapter_files import write_adapter
from tests.training.test_model_card import RECORD
from training import ship_command
from training.ship_command import command


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = write_adapter(tmp_path / "out" / "adapter")
    RECORD.write(folder)
    (folder / "README.md").write_text("what PEFT says of every adapter")
    return folder


def refusal(*arguments: object) -> str:
    with pytest.raises(SystemExit) as refused:
        command(list(map(str, arguments)))
    return str(refused.value.code)


def test_an_adapter_is_put_where_the_one_before_was(adapter: Path, tmp_path: Path) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    (to / "of the one before").touch()
    command(["--adapter", str(adapter), "--to", str(to)])
    assert read_adapter(to).digest == read_adapter(adapter).digest
    check_checksums(to)
    assert "an H200" in (to / "README.md").read_text()
    assert sorted(file.name for file in to.iterdir()) == [
        "README.md",
        "SHA256SUMS",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]
    # The same again, as after an evaluation: only the card can have changed.
    command(["--adapter", str(to), "--to", str(to)])
    check_checksums(to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "shipped"]


def test_an_evaluation_comes_into_the_card(adapter: Path, tmp_path: Path) -> None:
    evaluation = tmp_path / "evaluation"
    assert "there is no evaluation in" in refusal("--adapter", adapter, "--evaluation", evaluation)
    table = {"title": "the table", "headers": ["system"], "rows": [], "notes": [], "data": {}}
    measured = {"trained": {"asked": {}, "engine": "fingerprint", "tables": [table]}}
    evaluation.mkdir()
    (evaluation / "evaluation.json").write_text(json.dumps({"parts": {"products": measured}}))
    to = tmp_path / "to"
    command(["--adapter", str(adapter), "--evaluation", str(evaluation), "--to", str(to)])
    assert "**the table**" in (to / "README.md").read_text()


def test_what_cannot_be_shipped_is_refused_and_nothing_is_changed(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    before = read_adapter(to).digest
    big = write_adapter(tmp_path / "big")
    assert "holds no LoRA adapter" in refusal("--adapter", tmp_path, "--to", to)
    assert "big cannot be" in refusal("--adapter", big, "--to", to)
    RECORD.write(big)
    with monkeypatch.context() as patch:
        patch.setattr(ship_command, "_MOST_BYTES", 1000)
        assert "and 0 MB may be shipped: train it with" in refusal("--adapter", big, "--to", to)
    (big / "training.json").write_text("{}")
    assert "is no record of a training: base: " in refusal("--adapter", big, "--to", to)
    assert "is no folder of an adapter" in refusal("--adapter", adapter, "--to", tmp_path)
    assert read_adapter(to).digest == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", "out", "shipped"]
