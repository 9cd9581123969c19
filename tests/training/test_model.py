from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.rows import packed
from training.trie import trie_of
from training.unit import Unit

pytest.importorskip("peft")

UNITS = [
    [Unit((1, 2), (3, 4)), Unit((1, 2, 3, 4, 5), (6,)), Unit((1, 2, 3, 4, 7), (8, 9, 10))],
    [Unit((1, 11), (12,), learned=False), Unit((1, 11, 12), (13, 14))],
]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two small layers with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=49_152,
        hidden_size=12,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    folder = tmp_path_factory.mktemp("tiny")
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_a_trie_in_a_row_has_the_loss_of_its_units_one_by_one(tiny_model: Path) -> None:
    import torch

    from training.model import AdaptedModel

    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    rows = packed((trie_of(units) for units in UNITS), 1, 32)
    losses = []
    with torch.no_grad():
        for unit in (unit for units in UNITS for unit in units if unit.learned):
            ids = torch.tensor([[*unit.context, *unit.completion]])
            logits = model.adapted(ids).logits[0, len(unit.context) - 1 : -1]
            wanted = torch.tensor(unit.completion)
            losses += torch.nn.functional.cross_entropy(logits, wanted, reduction="none").tolist()
        loss = model.loss(rows)
    assert loss.tokens == len(losses)
    assert float(loss.mean) == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_token_of_another_branch_changes_nothing(tiny_model: Path) -> None:
    import torch

    from training.model import AdaptedModel

    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    alone = [Unit((1, 2), (3, 4))]
    beside = [*alone, Unit((1, 2), (5,), learned=False)]
    with torch.no_grad():
        losses = [
            float(model.loss(packed(iter([trie_of(units)]), 1, 8)).mean)
            for units in (alone, beside)
        ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def _weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


def test_a_run_in_two_pieces_trains_the_same_adapter(
    tiny_model: Path, tokenizer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.training_command import command

    def run(name: str, *options: str) -> None:
        arguments = ["--rows", "1", "--processes", "0", "--rank", "2", "--tokenizer"]
        arguments += [tokenizer.name_or_path, "--steps", "2", *options]
        command(["--out", str(tmp_path / name), "--model", str(tiny_model), *arguments])

    run("whole")
    # No time at all is enough for a step.
    run("pieces", "--minutes", "0")
    assert "goes on" in capsys.readouterr().out
    run("pieces")
    whole, pieces = _weights(tmp_path / "whole"), _weights(tmp_path / "pieces")
    assert whole.keys() == pieces.keys()
    assert all(weight.equal(pieces[name]) for name, weight in whole.items())
    # It has learned: B begins with zeros.
    assert any(weight.any() for name, weight in whole.items() if "lora_B" in name)


def test_a_run_with_other_settings_is_refused_in_one_line(
    tiny_model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    from training.training_command import command

    start = ["--out", str(tmp_path), "--model", str(tiny_model), "--rank", "2", "--rows", "1"]
    start += ["--processes", "0", "--tokenizer", tokenizer.name_or_path, "--minutes", "0"]
    command([*start, "--steps", "3"])
    with pytest.raises(SystemExit, match=r"^training: .*checkpoint\.pt was made with another plan"):
        command([*start, "--steps", "4"])
