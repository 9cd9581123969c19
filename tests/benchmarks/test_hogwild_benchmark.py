"""The pieces of the benchmark of workers over one cache, on a model of two layers."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from benchmarks import hogwild, hogwild_runs, model_shapes
from benchmarks.hogwild import Report, compare, fastest, measured, sessions
from benchmarks.hogwild_runs import CacheKind, Figure, independent, passes, with_steps
from engines import RequestRejected
from engines.hogwild.model.torch_model import TorchModel

pytestmark = pytest.mark.usefixtures("one_torch_thread")

HISTORY, ROUNDS = 48, 3


def tiny() -> Qwen3Config:
    return Qwen3Config(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1_024,
    )


@pytest.fixture(scope="module")
def model() -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_config(tiny()).eval()


@pytest.fixture(scope="module")
def shared(model: AutoModelForCausalLM) -> TorchModel:
    return TorchModel(model)


class Bytes:
    """A tokenizer and its reader: an id is a byte."""

    def encode(self, text: str) -> Sequence[int]:
        return list(text.encode())

    def reader(self, *, skip_special_tokens: bool) -> Bytes:
        return self

    def read(self, token_id: int) -> str:
        return chr(token_id)

    def rest(self) -> str:
        return ""


def test_one_more_worker_takes_memory_for_its_own_tokens_only(shared: TorchModel) -> None:
    two, three = (passes(shared, workers, HISTORY, ROUNDS) for workers in (2, 3))
    # The longest of those that the benchmark begins with, and a token a round.
    own = len(hogwild_runs._BEGUN) + hogwild_runs._WARM_UP + ROUNDS - 1
    assert three.kv_bytes - two.kv_bytes == own * shared.token_bytes
    assert two.kv_bytes > (HISTORY + 2 * own) * shared.token_bytes
    assert two.kv_reserved >= two.kv_bytes
    assert two.tokens_per_second == pytest.approx(2 * 1000 / two.milliseconds)


def test_steps_end_and_move_into_the_history(
    shared: TorchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hogwild_runs, "STEP_TOKENS", 4)
    committed: list[int] = []
    decoder = hogwild_runs._begun(shared, 2, HISTORY)
    commit = decoder.commit

    def note(block: int) -> None:
        committed.append(block)
        commit(block)

    monkeypatch.setattr(decoder, "commit", note)
    monkeypatch.setattr(hogwild_runs, "_begun", lambda *_: decoder)
    figure = with_steps(shared, 2, HISTORY, 12)
    # One ends in the middle of the other's steps; a step is four tokens and the round whose draw does not count.
    assert committed == [0, 1, 0, 1, 0, 1]
    assert decoder.blocks.history_length > HISTORY
    assert 0 < figure.tokens_per_second < 2 * 1000 / figure.milliseconds


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_independent_writers_have_a_history_each(
    model: AutoModelForCausalLM, shared: TorchModel, kind: CacheKind
) -> None:
    figure = independent(model, 3, HISTORY, ROUNDS, kind)
    tokens = HISTORY + hogwild_runs._WARM_UP + ROUNDS
    assert figure.kv_bytes == pytest.approx(3 * tokens * shared.token_bytes, rel=0.05)
    assert figure.kv_reserved >= figure.kv_bytes
    assert figure.tokens_per_second == pytest.approx(3 * 1000 / figure.milliseconds)


def test_the_whole_table(
    model: AutoModelForCausalLM, shared: TorchModel, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = argparse.Namespace(
        workers=[1, 2],
        history=[HISTORY],
        rounds=ROUNDS,
        steps_rounds=ROUNDS,
        compiled=False,
        deadline=math.inf,
    )
    compare(Report("tiny", True), model, shared, asked)
    sessions(Report("tiny", True), shared, Bytes(), asked)
    printed = capsys.readouterr().out
    told = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [(one["way"].partition(",")[0], one["workers"]) for one in told] == [
        *((way, n) for n in (1, 2) for way in ("draws", "passes", "with steps", "independent")),
        ("session", 1),
        ("session", 2),
    ]
    assert {one["multiple"] for one in told if one["workers"] == 1 and "multiple" in one} == {1}
    assert all(0 < one["outside"] < one["a_round"] for one in told if one["way"] == "session")
    rows = [line.split() for line in printed.splitlines() if line[:1] in ("1", "2")]
    assert [row[0] for row in rows] == ["1", "2", "1", "2"]
    assert rows[0][2] == "1.00x"


def test_a_row_is_not_begun_after_the_deadline(
    model: AutoModelForCausalLM, shared: TorchModel, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = argparse.Namespace(workers=[1], history=[HISTORY], deadline=-math.inf)
    compare(Report("tiny", True), model, shared, asked)
    assert "no time for a history of 48 tokens and 1 workers" in capsys.readouterr().out


def test_what_there_is_no_memory_for_has_no_figure() -> None:
    def refused() -> Figure:
        raise RequestRejected("no memory")

    assert measured(refused) is None
    slow, fast = Figure(1, 1, 1, 1), Figure(2, 1, 1, 1)
    assert fastest({"dynamic": slow, "static": fast}) == ("static", fast)
    assert fastest({"dynamic": slow, "static": None}) == ("dynamic", slow)
    assert fastest({"dynamic": None}) == ("-", None)


def test_models_of_real_shapes_have_random_weights_that_run() -> None:
    # Without input and output embedding, as their names have it: 8.2 and 32.8 billion in all.
    assert model_shapes.weight_bytes("qwen3-8b") == pytest.approx(2 * 8.19e9, rel=0.01)
    assert model_shapes.weight_bytes("qwen2.5-32b") == pytest.approx(2 * 32.76e9, rel=0.01)
    assert "tiny" not in model_shapes.PUBLISHED
    made = model_shapes.random_model("tiny", torch.device("cpu"))
    assert made.dtype == torch.bfloat16
    assert passes(TorchModel(made), 2, HISTORY, ROUNDS).tokens_per_second > 0


def test_the_command_runs_a_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hogwild_runs, "STEP_TOKENS", 4)
    command = (
        "hogwild --shape tiny --workers 1 2 --history 48 --rounds 2 --device cpu --threads 1 --json"
    )
    monkeypatch.setattr("sys.argv", command.split())
    hogwild.main()
    printed = capsys.readouterr().out
    assert "tiny, a history of 48 tokens" in printed
    assert "3.4x" in printed
