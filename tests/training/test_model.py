from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import ForkjoinError, UsageError, embedded_model
from engines.adapters.adapter import read_adapter
from engines.adapters.checksums import check_checksums
from orchestrator.errors import RunInUse
from orchestrator.runs.run_lock import RunLock
from tests.engines.adapter_files import write_adapter
from training import lessons
from training.rows import Rows, packed
from training.training_record import TrainingRecord
from training.trie import trie_of
from training.unit import Unit

pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("one_torch_thread")

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
    # It comes first in the row, where a mask that is only causal would see it.
    beside = [*alone, Unit((1, 2), (2,), learned=False)]
    with torch.no_grad():
        losses = [
            float(model.loss(packed(iter([trie_of(units)]), 1, 8)).mean)
            for units in (alone, beside)
        ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_by_blocks_a_token_sees_what_it_sees_by_the_dense_mask() -> None:
    import torch
    from torch.nn.attention.flex_attention import flex_attention
    from torch.nn.functional import scaled_dot_product_attention

    from training.masks import block_mask, dense_mask

    torch.manual_seed(0)
    # Longer than a tile, and not a number of whole tiles; lessons of all lengths, branches within them.
    rows, length = 2, 300
    ends = torch.arange(length).expand(rows, length) + torch.randint(1, 200, (rows, length))
    # Who sees a token sees its ancestors, so that none ends after its parent.
    for place in range(length):
        ends[:, place + 1 :] = torch.where(
            torch.arange(place + 1, length) < ends[:, place, None],
            torch.minimum(ends[:, place + 1 :], ends[:, place, None]),
            ends[:, place + 1 :],
        )
    ends = ends.clamp(max=length)
    query, key, value = torch.randn(3, rows, 1, length, 16)
    mask = dense_mask(ends)
    assert mask[0, 0, 299, 299] == 0
    assert torch.isinf(mask[0, 0, 0, 1])
    by_blocks = flex_attention(query, key, value, block_mask=block_mask(ends))
    assert by_blocks.allclose(scaled_dot_product_attention(query, key, value, mask), atol=1e-5)
    # Of two lessons of a tile each, neither is computed for the other.
    apart = block_mask(torch.tensor([[128] * 128 + [256] * 128]))
    assert (apart.kv_num_blocks + apart.full_kv_num_blocks).tolist() == [[[1, 1]]]


def _weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


@pytest.fixture
def trained(
    tiny_model: Path, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Trains two steps in a folder of this name, with more options."""
    from training.training_command import command

    # Few of them, which takes less time.
    monkeypatch.setattr(lessons, "_LOOKED_AT", 10)

    def run(name: str, *options: str) -> Path:
        arguments = ["--model", str(tiny_model), "--tokenizer", tokenizer.name_or_path]
        arguments += ["--rows", "1", "--length", "900", "--processes", "0", "--rank", "2"]
        arguments += ["--skills", "word-problems", "--steps", "2", "--out", str(tmp_path / name)]
        command([*arguments, *options])
        return tmp_path / name

    return run


def test_a_run_in_two_pieces_trains_the_same_adapter(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = trained("whole")
    # No time at all is enough for a step.
    with pytest.raises(SystemExit) as stopped:
        trained("pieces", "--minutes", "0")
    assert stopped.value.code == 75
    said = capsys.readouterr().out
    assert re.search(
        r"^training an adapter of [\d,]+ parameters, rank 2, on .*word-pro", said, re.M
    )
    assert "the training of 2 steps begins, 1 row of 900 tokens in each" in said
    assert re.search(
        r"^rows of 900 .* no room for about \d\d % of word-problems, which", said, re.M
    )
    assert "the same command goes on" in said
    half = TrainingRecord.read(tmp_path / "pieces" / "adapter")
    pieces = trained("pieces")
    assert "the training of 2 steps goes on after step 1" in capsys.readouterr().out
    # No page of PEFT's that waits to be filled in.
    assert {path.name for path in (pieces / "adapter").iterdir()} == {
        "SHA256SUMS",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    }
    check_checksums(read_adapter(pieces / "adapter"))
    assert _weights(whole).keys() == _weights(pieces).keys()
    assert all(weight.equal(_weights(pieces)[name]) for name, weight in _weights(whole).items())
    # It has learned: B begins with zeros.
    assert any(weight.any() for name, weight in _weights(whole).items() if "lora_B" in name)
    records = [TrainingRecord.read(folder / "adapter") for folder in (whole, pieces)]
    assert [record.steps for record in (half, *records)] == [1, 2, 2]
    assert records[0].tokens == records[1].tokens
    assert records[1].seconds > half.seconds
    assert [each.skill for each in records[1].practised] == ["word-problems"]
    assert not half.practised


def test_what_cannot_go_on_is_refused_in_one_line(
    trained: Callable[..., Path], tokenizer: Any, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        trained("run", "--minutes", "0")
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    with pytest.raises(
        UsageError, match=r"checkpoint\.pt was made with other settings, steps 2 and not 4: "
    ):
        trained("run", "--steps", "4")
    with pytest.raises(UsageError, match=r"checkpoint\.pt .* other settings, rank 2 and not 3"):
        trained("run", "--rank", "3")
    with pytest.raises(
        UsageError,
        match=r" other settings, shares of word-problems \S+ and not none, paths none and not \S+: take",
    ):
        trained("run", "--skills", "paths")
    with pytest.raises(
        UsageError, match=r" other settings, vocabulary \w{12} and not \w{12}: take"
    ):
        trained("run", "--tokenizer", str(other_tokenizer(tokenizer, tmp_path / "other")))
    whole = checkpoint.read_bytes()
    for content in (whole[:1000], b"no checkpoint\n", b"\x80\x02.", b""):
        checkpoint.write_bytes(content)
        with pytest.raises(UsageError, match=r"checkpoint\.pt is damaged: take it away"):
            trained("run")
    (tmp_path / "file").touch()
    with pytest.raises(ForkjoinError, match=r"file cannot be written: .*file is a file; .* --out"):
        trained("file")


def other_tokenizer(tokenizer: Any, folder: Path) -> Path:
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    return folder


def test_what_is_no_model_or_no_tokenizer_is_refused_before_anything_is_made(
    trained: Callable[..., Path], tiny_model: Path, tmp_path: Path
) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    reasons = {
        ("--model", "/nowhere"): "there is no folder /nowhere",
        ("--model", str(tmp_path)): "holds no Hugging Face model",
        ("--model", str(adapter)): "holds an adapter, and no model",
        ("--tokenizer", "/nowhere"): "no tokenizer can be read from /nowhere: .* --tokenizer",
        ("--tokenizer", str(tiny_model)): "no tokenizer can be read from .*tiny",
    }
    for options, reason in reasons.items():
        with pytest.raises(UsageError, match=reason):
            trained("run", *options)
    assert not (tmp_path / "run").exists()


def test_weights_that_are_damaged_are_told(
    trained: Callable[..., Path], tiny_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UsageError, match=r"^the weights of .*/damaged are damaged"):
        trained("run", "--model", str(tmp_path / "damaged"))


def changed(model: Path, folder: Path, name: str, change: Callable[[Any], Any]) -> Path:
    """The model with another weight of this name; with none where that is None."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, folder)
    weights = load_file(folder / "model.safetensors")
    if (other := change(weights.pop(name))) is not None:
        weights[name] = other
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_weights_that_are_not_those_of_their_configuration_are_refused(
    trained: Callable[..., Path], tiny_model: Path, tmp_path: Path
) -> None:
    lost = "model.layers.1.mlp.down_proj.weight"
    other = changed(tiny_model, tmp_path / "other", lost, lambda weight: None)
    with pytest.raises(UsageError, match=f"^the weights of .*/other lack {lost}"):
        trained("run", "--model", str(other))
    shutil.copyfile(tiny_model / "model.safetensors", other / "model.safetensors")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"intermediate_size": 24}))
    with pytest.raises(UsageError, match=r"has the shape .* and config\.json says"):
        trained("run", "--model", str(other))


def test_a_training_belongs_to_its_model(
    trained: Callable[..., Path], tiny_model: Path, tmp_path: Path
) -> None:
    other = changed(tiny_model, tmp_path / "other", "model.norm.weight", lambda weight: weight + 1)
    folder = trained("run", "--steps", "1")
    assert read_adapter(folder / "adapter").base == str(tiny_model)
    with pytest.raises(UsageError, match=r"made with other settings, model weights \w+ and not w"):
        trained("run", "--steps", "1", "--model", str(other))
    merged = tmp_path / f"{embedded_model.TRAINED_NAME}-0.1.2.2-601a4b2c8b33"
    shutil.copytree(tiny_model, merged)
    with pytest.raises(UsageError, match="holds an adapter, and no model"):
        trained("merged", "--model", str(merged))


def test_a_folder_in_which_another_process_trains_is_not_touched(
    trained: Callable[..., Path], tmp_path: Path
) -> None:
    folder = trained("run", "--steps", "1")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    lock = RunLock(folder)
    try:
        with pytest.raises(RunInUse):
            trained("run", "--steps", "1")
    finally:
        lock.release()
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_step_that_memory_does_not_suffice_for_is_refused(
    trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import training_command

    # A token of the small model takes 2 x (12 + 16) x 48 bytes, a row of 900 some 2.4 MB.
    for free, advice in ((13_000_000, "take at most --rows 5"), (1_000_000, "a smaller --length")):
        monkeypatch.setattr(training_command, "free_bytes", lambda device, free=free: free)
        with pytest.raises(UsageError, match=f"^a step of 9 x 900 tokens takes about .*{advice}$"):
            trained("run", "--rows", "9")
    assert not (tmp_path / "run").exists()


def test_rows_without_room_for_a_skill_are_refused_before_the_first_step(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        UsageError, match=r"^lessons of the skill games do not fit into rows of 150"
    ):
        trained("run", "--skills", "arithmetic", "games", "--length", "150", "--steps", "1")
    assert "step 1 of 1" not in capsys.readouterr().out
    trained("long", "--skills", "arithmetic", "--length", "2816", "--steps", "1")
    assert "left out" not in capsys.readouterr().out


def test_without_a_gpu_a_step_has_one_row_where_no_other_number_is_given(
    tokenizer: Any,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from training import training_command

    made: list[int] = []

    def train(model: Any, source: Any, *_: object, **__: object) -> Any:
        made.append(source.rows)
        raise UsageError("seen")

    monkeypatch.setattr(training_command, "train", train)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    given = ["--model", str(tiny_model), "--tokenizer", tokenizer.name_or_path]
    for rows in ((), ("--rows", "2")):
        with pytest.raises(UsageError, match="seen"):
            training_command.command([*given, "--out", str(tmp_path / "run"), *rows])
    assert made == [1, 2]
    first, second = [line for line in capsys.readouterr().out.splitlines() if "no GPU" in line]
    assert first.endswith("minutes, and a step has one row, not 9")
    assert second.endswith("minutes")


def test_what_has_not_begun_can_begin_with_any_settings(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import loop
    from training.lesson_processes import ProcessDied
    from training.lessons import Source
    from training.model import AdaptedModel

    def ahead(*_: object) -> Iterator[Rows]:
        raise ProcessDied("killed")

    monkeypatch.setattr(loop, "ahead", ahead)
    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    for seed in range(2):
        source = Source(tokenizer="", shares=(), rows=1, length=32, seed=seed)
        with pytest.raises(ProcessDied):
            loop.train(model, source, loop.Plan(steps=9), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_adapter_that_is_no_number_any_more_takes_the_place_of_none(
    tiny_model: Path, tmp_path: Path
) -> None:
    import torch

    from training import checkpoint
    from training.checkpoint import Progress
    from training.model import AdaptedModel

    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    optimizer = torch.optim.AdamW(model.parameters)
    checkpoint.write(tmp_path, model, optimizer, Progress(steps=1), {})
    with torch.no_grad():
        model.parameters[0][0, 0] = torch.nan
    with pytest.raises(UsageError, match=r"after step 2 .* not finite: .* smaller --rate"):
        checkpoint.write(tmp_path, model, optimizer, Progress(steps=2), {})
    assert checkpoint.read(tmp_path, model, optimizer, {}).steps == 1
    assert all(weight.isfinite().all() for weight in model.parameters)


def test_it_is_told_soon_how_it_goes(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import loop
    from training.lessons import Source
    from training.model import AdaptedModel

    rows = packed((trie_of(units) for units in UNITS), 1, 32)
    monkeypatch.setattr(loop, "ahead", lambda source, steps, processes: (rows for _ in steps))
    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    source = Source(tokenizer="", shares=(), rows=1, length=32, seed=0)
    lines: list[str] = []
    loop.train(model, source, loop.Plan(steps=52), tmp_path, say=lines.append)
    assert [line.split("  ")[0] for line in lines] == [
        "the training of 52 steps begins, 1 row of 32 tokens in each",
        *(f"step {step} of 52" for step in (3, 50, 52)),
    ]


@pytest.mark.parametrize("stopped", [False, True])
def test_steps_before_the_death_of_a_process_are_kept(
    stopped: bool, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import loop
    from training.lesson_processes import ProcessDied
    from training.lessons import Source
    from training.model import AdaptedModel

    told = False

    def ahead(*_: object) -> Iterator[Rows]:
        nonlocal told
        yield packed((trie_of(units) for units in UNITS), 1, 32)
        told = stopped
        raise ProcessDied("killed")

    monkeypatch.setattr(loop, "ahead", ahead)
    model = AdaptedModel(str(tiny_model), "cpu", rank=2)
    source = Source(tokenizer="", shares=(), rows=1, length=32, seed=0)

    def train() -> int:
        return loop.train(model, source, loop.Plan(steps=9), tmp_path, stopped=lambda: told).steps

    with nullcontext() if stopped else pytest.raises(ProcessDied):
        assert train() == 1
    monkeypatch.setattr(loop, "ahead", lambda *_: ())
    assert train() == 1


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--steps", "0", "0: give 1 or more"),
        ("--steps", "x", "'x' is no whole number: give 1 or more"),
        ("--rows", "1.5", "'1.5' is no whole number: give 1 or more"),
        ("--seed", "x", "'x' is no whole number"),
        ("--minutes", "nan", "'nan' is no number: give 0 or more"),
        ("--rate", "-1", "-1 is less than 0: give 0 or more"),
        ("--skills", "cooking", "invalid choice: 'cooking'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    option: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.training_command import command

    with pytest.raises(SystemExit) as refused:
        command(["--out", "nowhere", option, value])
    assert refused.value.code == 2
    assert f"argument {option}: {told}" in capsys.readouterr().err
