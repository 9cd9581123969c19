"""Fake engines that options of vLLM make faster or slower, and what is measured with them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.with_options import Option, OptionsBenchmark
from engines import Context, Engine, EngineError, FakeEngine, Sampling, Scripted
from tests.backends import run_virtually

Script = Callable[[Context, Sampling], str | Scripted]


def right(context: Context, sampling: Sampling) -> str:
    """Another text for each prompt."""
    return chr(ord("a") + len(context.token_ids) % 20) * 1000


@dataclass
class Vllm:
    """Opens fake engines that are slower or faster with an option, and may write something else."""

    speculating: Script = right
    failing: Sequence[str] = ()
    hanging: Sequence[str] = ()
    opened: list[dict[str, Any]] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self, model: str, **options: Any) -> AsyncIterator[Engine]:
        self.opened.append({**options, "model": model})
        if options.keys() & set(self.hanging):
            await anyio.sleep_forever()
        if options.keys() & set(self.failing):
            raise EngineError("vLLM cannot start")
        speculates = "speculative_config" in options
        seconds = 1 / 64 if speculates else 1 / 128 if "quantization" in options else 1 / 32
        script = self.speculating if speculates else right
        async with FakeEngine(script, seconds_per_token=seconds) as engine:
            yield engine
        self.calls.append([call.context.segment.text for call in engine.calls])


def measured(
    vllm: Vllm,
    folder: Path,
    choose: Callable[[Setting], Sequence[Option]],
    heads: int = 9,
    dummy: bool = False,
    **own: Any,
) -> tuple[dict[str, Figure], list[str]]:
    """What was found and what was said; raises what the part raises."""
    model = folder / "model"
    model.mkdir(exist_ok=True)
    config = {"num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": 300}
    (model / "config.json").write_text(json.dumps(config))
    said: list[str] = []
    options = {"load_format": "dummy"} if dummy else {}

    async def main() -> list[Figure]:
        async with Engines(vllm, str(model), options) as engines:
            setting = Setting(
                engines=engines, model=str(model), options=options, small=True,
                say=said.append, **own,
            )  # fmt: skip
            return await OptionsBenchmark("part", setting, choose(setting)).figures()

    figures = run_virtually(main)
    return {figure.what: figure for figure in figures}, said
