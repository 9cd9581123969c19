from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engines.adapters.adapter import read_adapter
from engines.adapters.checksums import check_checksums
from tests.engines.adapter_files import write_adapter
from tests.training.test_model_card import RECORD
from training import ship_command
from training.evaluation.weights import weights_of
from training.ship_command import command

FINISHED = RECORD.model_copy(update={"steps": RECORD.planned})
TABLE = {"title": "the table", "headers": ["system"], "rows": [], "notes": [], "data": {}}


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = write_adapter(tmp_path / "out" / "adapter")
    FINISHED.write(folder)
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
    check_checksums(read_adapter(to))
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
    check_checksums(read_adapter(to))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "shipped"]


def test_an_evaluation_comes_into_the_card(adapter: Path, tmp_path: Path) -> None:
    evaluation = evaluated(tmp_path / "evaluation", adapter)
    to = tmp_path / "to"
    command(["--adapter", str(adapter), "--evaluation", str(evaluation), "--to", str(to)])
    assert "**the table**" in (to / "README.md").read_text()


def test_an_evaluation_of_another_adapter_is_refused(adapter: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    other = write_adapter(tmp_path / "other", seed=2)
    evaluation = evaluated(tmp_path / "evaluation", other)
    line = refusal("--adapter", adapter, "--evaluation", evaluation, "--to", to)
    assert f"{evaluation} is not of {adapter}, which is {weights_of(str(adapter))}, but of" in line
    assert f"evaluate --out OUT --model {adapter}` makes one" in line
    # The same adapter elsewhere is no other.
    shutil.copytree(adapter, tmp_path / "moved")
    evaluation = evaluated(tmp_path / "of the moved", tmp_path / "moved")
    command(["--adapter", str(adapter), "--evaluation", str(evaluation), "--to", str(to)])


def test_an_evaluation_beside_another_plain_model_is_refused(adapter: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    evaluation = evaluated(tmp_path / "other", adapter, plain="me/model")
    line = refusal("--adapter", adapter, "--evaluation", evaluation, "--to", to)
    assert f"{evaluation} compares with me/model as the plain model, and {adapter} was" in line
    assert "trained on SmolLM2-135M-Instruct: `python -m training evaluate" in line
    assert not to.exists()
    evaluation = evaluated(tmp_path / "own", adapter, plain=weights_of("smollm2"))
    command(["--adapter", str(adapter), "--evaluation", str(evaluation), "--to", str(to)])


def test_a_folder_that_holds_no_evaluation_is_refused_and_left_as_it_is(
    adapter: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    for _ in range(2):
        line = refusal("--adapter", adapter, "--evaluation", empty, "--to", tmp_path / "to")
        assert f"there is no evaluation in {empty}, which has no evaluation.json: `python" in line
        empty.mkdir(exist_ok=True)
    assert not list(empty.iterdir())


def test_a_training_that_is_not_finished_is_shipped_only_if_asked_for(
    adapter: Path, tmp_path: Path
) -> None:
    RECORD.write(adapter)
    to = tmp_path / "to"
    line = refusal("--adapter", adapter, "--to", to)
    assert "has come to 1,500 of 1,700 steps: go on with" in line
    assert not to.exists()
    command(["--adapter", str(adapter), "--to", str(to), "--unfinished"])
    assert "1,500 of 1,700 steps" in (to / "README.md").read_text()


def evaluated(folder: Path, adapter: Path, plain: str | None = None) -> Path:
    """What an evaluation of an adapter leaves, beside the plain model if there is one."""
    measured = {"trained": {"asked": {}, "engine": "fingerprint", "tables": [TABLE]}}
    weights = {"trained": weights_of(str(adapter))} | ({"plain": plain} if plain else {})
    record = {"weights": weights, "parts": {"products": measured}}
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps(record))
    return folder


def test_what_cannot_be_shipped_is_refused_and_nothing_is_changed(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    before = read_adapter(to).digest
    big = write_adapter(tmp_path / "big")
    assert "holds no LoRA adapter" in refusal("--adapter", tmp_path, "--to", to)
    assert "big cannot be" in refusal("--adapter", big, "--to", to)
    FINISHED.write(big)
    with monkeypatch.context() as patch:
        patch.setattr(ship_command, "_MOST_BYTES", 1000)
        assert "and 0 MB may be shipped: train it with" in refusal("--adapter", big, "--to", to)
    (big / "training.json").write_text("{}")
    assert "is no record of a training: base: " in refusal("--adapter", big, "--to", to)
    assert "is no folder of an adapter" in refusal("--adapter", adapter, "--to", tmp_path)
    assert read_adapter(to).digest == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", "out", "shipped"]
