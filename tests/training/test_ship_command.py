from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from engines import ForkjoinError, UsageError, embedded_model
from engines.adapters.adapter import LoraAdapter, read_adapter
from engines.adapters.checksums import check_checksums, write_checksums
from orchestrator.errors import RunFolderError
from tests.engines.adapter_files import SHAPES, TENSORS, Q, write_adapter
from tests.engines.test_model_choice import model
from tests.training.test_model_card import RECORD
from training import ship_command
from training.ship_command import command
from training.weights import weights_of

FINISHED = RECORD.model_copy(update={"steps": RECORD.planned})
TABLE = {"title": "the table", "headers": ["system"], "rows": [], "notes": [], "data": {}}


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = write_adapter(tmp_path / "out" / "adapter")
    FINISHED.write(folder)
    (folder / "README.md").write_text("what PEFT says of every adapter")
    return folder


@pytest.fixture(autouse=True)
def embedded(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of one small layer in the place of the embedded one."""
    folder = model(tmp_path_factory.mktemp("embedded"))

    async def prepare(adapter: LoraAdapter | None = None) -> Path:
        return folder

    monkeypatch.setattr(embedded_model, "prepare", prepare)


def refusal(*arguments: object, kind: type[ForkjoinError] = UsageError) -> str:
    with pytest.raises(kind) as refused:
        command(list(map(str, arguments)))
    (line,) = str(refused.value).splitlines()
    return line


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
    measured = {"trained": {"engine": "fingerprint", "tables": [TABLE]}}
    weights = {"trained": weights_of(str(adapter))} | ({"plain": plain} if plain else {})
    record = {"asked": {}, "weights": weights, "parts": {"products": measured}}
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
    assert "big has no training.json, which `python -m" in refusal("--adapter", big, "--to", to)
    FINISHED.write(big)
    with monkeypatch.context() as patch:
        patch.setattr(ship_command, "_MOST_BYTES", 1000)
        assert "and 0 MB may be shipped: train it with" in refusal("--adapter", big, "--to", to)
    (big / "training.json").write_text("{}")
    assert "is no record of a training: base: " in refusal("--adapter", big, "--to", to)
    assert "is no folder of an adapter" in refusal("--adapter", adapter, "--to", tmp_path)
    assert read_adapter(to).digest == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", "out", "shipped"]


@pytest.mark.parametrize("name", ["adapter_config.json", TENSORS])
def test_an_adapter_that_is_not_as_it_was_trained_is_refused(
    adapter: Path, tmp_path: Path, name: str
) -> None:
    write_checksums(adapter)
    command(["--adapter", str(adapter), "--to", str(tmp_path / "to")])
    path = adapter / name
    whole = path.read_bytes()
    changed = whole.replace(b'"r": 2', b'"r":  2') if name != TENSORS else whole[:-1] + b"\1"
    assert changed != whole
    path.write_bytes(changed)
    line = refusal("--adapter", adapter, "--to", tmp_path / "other")
    assert line == f"{path} is damaged: its checksum is not that of SHA256SUMS"
    assert not (tmp_path / "other").exists()


def test_an_adapter_that_the_embedded_model_could_not_take_replaces_nothing(tmp_path: Path) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    before = read_adapter(to).digest
    foreign = write_adapter(tmp_path / "foreign", base_model_name_or_path="Qwen/Qwen3-8B")
    wide = write_adapter(tmp_path / "wide", shapes={**SHAPES, f"{Q}.lora_A.weight": (2, 16)})
    broken = write_adapter(tmp_path / "broken", numbers={f"{Q}.lora_A.weight": float("nan")})
    reasons = {foreign: "on Qwen/Qwen3-8B, not on", wide: "8 x 16 matrix", broken: "not finite"}
    for adapter, reason in reasons.items():
        FINISHED.write(adapter)
        assert reason in refusal("--adapter", adapter, "--to", to)
    assert read_adapter(to).digest == before


def test_the_folder_that_one_stands_in_can_be_the_place(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    monkeypatch.chdir(to)
    command(["--adapter", str(adapter), "--to", "."])
    assert read_adapter(to).digest == read_adapter(adapter).digest
    assert "/ is no folder of an adapter" in refusal("--adapter", adapter, "--to", "/")


@pytest.mark.parametrize("call", ["copyfile", "rename"])
def test_a_full_disk_leaves_the_adapter_that_was_there_and_nothing_else(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    to = write_adapter(tmp_path / "shipped", seed=2)
    before = read_adapter(to).digest

    def full(*names: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(names[0]))

    rename = Path.rename
    with monkeypatch.context() as patch:
        if call == "copyfile":
            patch.setattr(shutil, "copyfile", full)
        else:
            # The last of them, when the one before is already out of the way.
            patch.setattr(
                Path, "rename", lambda a, b: full(a) if ".part" in a.name else rename(a, b)
            )
        line = refusal("--adapter", adapter, "--to", to, kind=RunFolderError)
    assert line == (
        f"{to} cannot be written: No space left on device; make room, or choose another with --to"
    )
    assert read_adapter(to).digest == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "shipped"]


def test_an_evaluation_without_figures_is_refused(adapter: Path, tmp_path: Path) -> None:
    evaluation = evaluated(tmp_path / "evaluation", adapter)
    record = json.loads((evaluation / "evaluation.json").read_text())
    (evaluation / "evaluation.json").write_text(json.dumps({**record, "parts": {}}))
    line = refusal("--adapter", adapter, "--evaluation", evaluation, "--to", tmp_path / "to")
    assert f"{evaluation} has no figures yet: the `evaluate` command that began it goes on" in line
