"""The engine layer's part of the headline table, on a fake engine whose calls cost each other nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Incomplete, Setting
from benchmarks.gpu.parts import engine_layer
from benchmarks.gpu.plain_vllm.offline import Generate, Prompt
from engines import Engine, FakeEngine, Sampling, single_error
from tests.backends import run_virtually

TOKEN = 0.01
TOKENS = 8
ENDLESS = "x" * 100


@dataclass
class Offline:
    """What stands in for `LLM.generate`: it takes a share of our time.

    Attributes:
        share: How much.
        missing: Tokens that are missing in the last answer.
        asked: The prompts of each call.
    """

    share: float = 0.9
    missing: int = 0
    asked: list[Sequence[Prompt]] = field(default_factory=list)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Sequence[int]:
        self.asked.append(prompts)
        await anyio.sleep(self.share * sampling.max_tokens * TOKEN)
        lengths = [sampling.max_tokens] * len(prompts)
        lengths[-1] -= self.missing
        return lengths


def measured(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, other: Offline
) -> tuple[Sequence[Figure], Mapping[str, Any]]:
    """The figures, and the options that both engines were opened with."""
    options: dict[str, Mapping[str, Any]] = {}

    @asynccontextmanager
    async def opened(model: str | None, **given: object) -> AsyncIterator[Engine]:
        options["ours"] = given
        yield engine

    @asynccontextmanager
    async def offline(model: str, given: Mapping[str, Any]) -> AsyncIterator[Generate]:
        options["other"] = given
        yield other.generate

    monkeypatch.setattr(engine_layer, "offline", offline)

    async def main() -> Sequence[Figure]:
        extra = {"dtype": "float16"}
        async with Engines(opened, None, extra) as engines:
            setting = Setting(engines=engines, model="", options=extra, small=True)
            with single_error():
                return await engine_layer.measure(setting)

    figures = run_virtually(main)
    assert options["ours"] == options["other"]
    return figures, options["ours"]


def paced(text: str = ENDLESS) -> FakeEngine:
    return FakeEngine(text, seconds_per_token=TOKEN, chunk_tokens=2)


def test_a_figure_is_the_share_of_time_that_the_other_engine_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures, options = measured(monkeypatch, paced(), Offline(share=0.9))
    assert options["dtype"] == "float16"
    assert options["gpu_memory_utilization"] < 0.5
    # Two for each of three widths, and questions at one of them.
    assert [figure.value for figure in figures] == [pytest.approx(0.9)] * 7
    assert [figure.goal for figure in figures] == [0.95] * 4 + [None] + [0.95] * 2
    assert figures[-1].detail.startswith("800 beside 889 tokens/s")


def test_both_engines_are_given_the_same_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, other = paced(), Offline()
    measured(monkeypatch, engine, other)
    theirs = sorted(prompt for prompts in other.asked for prompt in map(unmarked, prompts))
    calls = [unmarked(c.context.token_ids) for c in engine.calls if c.sampling.max_tokens == TOKENS]
    questions = [text for text in theirs if "Question" in text]
    one = [text for text in theirs if "Question" not in text]
    # The method and the agent are asked as much as the other engine is, each of them.
    mine = sorted(text for text in calls if "farmer" in text)
    assert mine == sorted([*questions, *one, *one])
    assert len({*questions}) == 4
    assert len({*one}) == 1
    prompts = [prompt for prompts in other.asked for prompt in {*prompts}]
    assert len({*prompts}) == len(prompts)


def unmarked(prompt: Prompt) -> str:
    """Its text without what makes it unlike every other run's."""
    text = "".join(map(chr, prompt))
    role, mark = text.split("\n", 1)[0][:-8], text.split("\n", 1)[1]
    return role + mark


@pytest.mark.parametrize(
    ("text", "missing"), [(ENDLESS, 1), ("x" * (TOKENS - 1), 0)], ids=["theirs", "ours"]
)
def test_answers_that_are_too_short_are_noticed(
    monkeypatch: pytest.MonkeyPatch, text: str, missing: int
) -> None:
    with pytest.raises(Incomplete, match=r"2 threads: .* tokens"):
        measured(monkeypatch, paced(text), Offline(missing=missing))


def test_threads_are_as_long_as_the_cache_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = paced()
    assert engine_layer.fitting(engine, 1024, 192) == 192
    monkeypatch.setattr(engine_layer, "vllm_says", lambda _: {"kv_tokens": 117_000})
    assert engine_layer.fitting(engine, 64, 192) == 192
    assert engine_layer.fitting(engine, 1024, 192) == 70
    with pytest.raises(Mismeasured, match="10240 threads in a KV cache of 117,000 tokens"):
        engine_layer.fitting(engine, 10_240, 192)
