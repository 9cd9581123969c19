"""Options of vLLM on fake engines, whose speeds and texts are known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.greedy import TIE
from benchmarks.gpu.part import Incomplete, Setting
from benchmarks.gpu.parts.options import MARLIN, NGRAM, choose
from benchmarks.gpu.vllm_says import drafts_of, kernels_in_log, vllm_says
from benchmarks.gpu.with_options import Option, OptionsBenchmark, check
from engines import Context, FakeEngine, Logprob, Sampling, Scripted
from engines.logprobs import TokenLogprobs
from tests.backends import run_virtually
from tests.benchmarks.gpu.optional_vllm import Script, Vllm, measured, right
from tests.benchmarks.gpu.settings import setting_of

LEVEL = "VLLM_LOGGING_LEVEL"


def on_cpu(setting: Setting) -> list[Option]:
    return choose(setting, on_gpu=False)


def on_gpu(setting: Setting) -> list[Option]:
    return choose(setting, on_gpu=True)


def parting(gap: float) -> Script:
    """The last of 24 tokens is another one, which the model itself takes for less likely by so many nats."""

    def reply(context: Context, sampling: Sampling) -> str | Scripted:
        if sampling.logprobs:
            assert sampling.max_tokens == 1
            assert context.segment.token_ids is not None
            assert len(context.segment.token_ids) == 23
            letter = chr(context.segment.token_ids[0])
            top = (Logprob(letter, -0.5, ord(letter)), Logprob("?", -0.5 - gap, ord("?")))
            return Scripted(letter, [TokenLogprobs(top[0], top)])
        return right(context, sampling)[:23] + "?"

    return reply


class SayingEngine(FakeEngine):
    """Tells of itself what `VllmEngine` would."""

    def __init__(self, log: Path, quantization: str | None) -> None:
        super().__init__()
        self._log = log
        self._llm = SimpleNamespace(
            vllm_config=SimpleNamespace(
                model_config=SimpleNamespace(dtype="bfloat16", quantization=quantization),
                parallel_config=SimpleNamespace(tensor_parallel_size=2, data_parallel_size=1),
                cache_config=SimpleNamespace(num_gpu_blocks=5, block_size=16),
                speculative_config=SimpleNamespace(method="ngram", model="ngram"),
            )
        )


def test_speeds_and_texts_with_and_without(tmp_path: Path) -> None:
    vllm = Vllm()
    figures, said = measured(vllm, tmp_path, on_cpu)
    assert [what.partition(",")[0].partition(":")[0] for what in figures] == [
        *["n-gram speculation"] * 4,
        *["draft model (the model itself)"] * 4,
    ]
    same = [figure for what, figure in figures.items() if "same greedy texts" in what]
    assert [figure.value for figure in figures.values() if figure not in same] == [2.0] * 6
    assert [(figure.value, figure.reached) for figure in same] == [(1.0, True)] * 2
    assert same[0].detail == "6 of 6 token by token"
    assert figures["n-gram speculation, 1 other text"].detail == "64 beside 32 tokens/s"
    assert any("for a GPU" in line for line in said)


def test_all_engines_get_the_same_prompts_and_none_twice(tmp_path: Path) -> None:
    vllm = Vllm()
    measured(vllm, tmp_path, on_cpu)
    # Those of a load come at once, in any order.
    first, *others = map(sorted, vllm.calls)
    assert len({text[:9] for text in first}) == len(first) == 2 * 6
    assert others == [first, first]
    assert sum(text.count("\n") > 1 for text in first) == 2 * 5


def test_texts_that_part_at_a_tie_are_told_from_other_texts(tmp_path: Path) -> None:
    ties, _ = measured(Vllm(parting(TIE / 2)), tmp_path, on_cpu)
    tied = ties["n-gram speculation: same greedy texts"]
    assert (tied.value, tied.reached) == (1.0, True)
    assert tied.detail == "0 of 6 token by token; 6 part where two tokens are within 0.12 nats"
    assert tied.data["partings"] == [{"place": 23, "gap": TIE / 2}] * 6
    wrong, _ = measured(Vllm(parting(TIE * 2)), tmp_path, on_cpu)
    other = wrong["n-gram speculation: same greedy texts"]
    assert (other.value, other.reached) == (0.0, False)
    assert other.detail == "0 of 6 token by token; 6 are other texts"


def test_a_token_that_the_model_would_never_write_is_no_tie(tmp_path: Path) -> None:
    def astray(context: Context, sampling: Sampling) -> str | Scripted:
        likely = Logprob("a", 0, ord("a"))
        if sampling.logprobs:
            return Scripted("a", [TokenLogprobs(likely, [likely])])
        return "!" * 1000

    figures, _ = measured(Vllm(astray), tmp_path, on_cpu)
    assert figures["n-gram speculation: same greedy texts"].value == 0


def test_weights_of_a_dummy_model(tmp_path: Path) -> None:
    vllm = Vllm()
    figures, _ = measured(vllm, tmp_path, on_gpu, dummy=True)
    names = [what.partition(",")[0] for what in figures if "1 text" in what]
    assert names == [
        "n-gram speculation",
        "4-bit weights (GPTQ",
        "8-bit weights (fp8)",
        "draft model (tiny",
    ]
    assert figures["8-bit weights (fp8), 1 text that repeats itself"].value == 4
    plain, ngram, gptq, fp8, draft = vllm.opened
    assert plain.keys() == {
        "load_format",
        "max_model_len",
        "max_num_batched_tokens",
        "max_num_seqs",
        "model",
    }
    assert ngram["speculative_config"]["method"] == "ngram"
    assert gptq["linear_backend"] == "marlin"
    quantised = gptq["hf_overrides"]["quantization_config"]
    assert (quantised["quant_method"], quantised["bits"]) == ("gptq", 4)
    # Without these vLLM 0.25 would quantise none of a model without weights, and say nothing.
    assert "mlp.down_proj" in quantised["modules_in_block_to_quantize"]
    assert fp8["quantization"] == "fp8"
    tiny = Path(draft["speculative_config"]["model"])
    assert json.loads((tiny / "config.json").read_text())["vocab_size"] == 300


def test_a_draft_that_is_given_is_taken(tmp_path: Path) -> None:
    vllm = Vllm()
    figures, _ = measured(vllm, tmp_path, on_cpu, draft=str(tmp_path / "eagle-head"))
    assert "draft model (eagle-head): same greedy texts" in figures
    assert vllm.opened[-1]["speculative_config"] == {
        "model": str(tmp_path / "eagle-head"),
        "num_speculative_tokens": 4,
    }


@pytest.mark.parametrize("trouble", [{"failing": ["quantization"]}, {"hanging": ["quantization"]}])
def test_an_option_that_fails_leaves_the_others(tmp_path: Path, trouble: dict[str, Any]) -> None:
    vllm = Vllm(**trouble)
    with pytest.raises(Incomplete, match=r"8-bit weights \(fp8\): ") as told:
        measured(vllm, tmp_path, on_gpu)
    kinds = {figure.what.partition(",")[0].partition(":")[0] for figure in told.value.figures}
    assert kinds == {"n-gram speculation", "draft model (the model itself)"}


def test_texts_of_other_lengths_are_no_figure(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="n-gram speculation: Mismeasured: texts of") as told:
        measured(Vllm(lambda context, sampling: "short"), tmp_path, on_cpu)
    assert told.value.figures == []

    async def plain() -> None:
        async with FakeEngine("short") as engine:
            setting = setting_of(engine, str(tmp_path / "model"))
            await OptionsBenchmark("options", setting, on_cpu(setting)).figures()

    with pytest.raises(Mismeasured):
        run_virtually(plain)


def test_an_engine_that_is_not_vllm_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vllm_says(FakeEngine()) == {}
    assert drafts_of(FakeEngine()) == (0, 0)
    for before in ("ERROR", None):
        if before is None:
            monkeypatch.delenv(LEVEL)
        else:
            monkeypatch.setenv(LEVEL, before)
        with kernels_in_log():
            assert os.environ[LEVEL] == "INFO"
        assert os.environ.get(LEVEL) == before


def test_what_vllm_says_of_itself(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    assert vllm_says(SayingEngine(log, "auto_gptq")) == {
        "dtype": "bfloat16",
        "quantization": "auto_gptq",
        "speculation": "ngram",
        "draft": "ngram",
        "tensor_parallel_size": 2,
        "data_parallel_size": 1,
        "kv_tokens": 80,
        "kernels": ["MacheteLinearKernel"],
    }


def test_an_option_that_does_not_reach_vllm_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    check(NGRAM, vllm_says(SayingEngine(log, None)))
    with pytest.raises(Mismeasured, match="quantization=None: the option did not reach it"):
        check(MARLIN, vllm_says(SayingEngine(log, None)))
    with pytest.raises(Mismeasured, match="uses MacheteLinearKernel, and nothing of Marlin"):
        check(MARLIN, vllm_says(SayingEngine(log, "auto_gptq")))


LOG = """\
(EngineCore pid=1) INFO [auto_gptq.py:357] Using MacheteLinearKernel for AutoGPTQLinearMethod
(EngineCore pid=1) INFO [gpu_model_runner.py:1] Using max model len 8192
"""
