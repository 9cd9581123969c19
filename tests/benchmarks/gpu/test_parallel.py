"""Engines on two GPUs, on fake ones."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.parts import parallel
from benchmarks.gpu.parts.parallel import choose
from tests.backends import run_virtually
from tests.benchmarks.gpu.optional_vllm import Vllm, measured

two = partial(choose, gpus=2)


def test_tensor_and_data_parallel_beside_one(tmp_path: Path) -> None:
    vllm = Vllm()
    figures, _ = measured(vllm, tmp_path, two, heads=8)
    assert [what.partition(",")[0] for what in figures] == [
        *["tensor parallel"] * 2,
        *["data parallel"] * 2,
    ]
    _, tensor, data = vllm.opened
    assert (tensor["tensor_parallel_size"], data["data_parallel_size"]) == (2, 2)


def test_heads_that_do_not_split_are_told(tmp_path: Path) -> None:
    vllm = Vllm()
    figures, said = measured(vllm, tmp_path, two, heads=9)
    assert any("do not split" in line for line in said)
    assert all(what.startswith("data parallel") for what in figures)
    assert not any("tensor_parallel_size" in options for options in vllm.opened)


def test_with_one_gpu_no_engine_is_opened(
    monkeypatch: pytest.MonkeyPatch, one_torch_thread: None
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    said: list[str] = []
    vllm = Vllm()

    async def main() -> None:
        async with Engines(vllm, "model", {}) as engines:
            setting = Setting(engines=engines, model="model", say=said.append)
            assert await parallel.measure(setting) == []

    run_virtually(main)
    assert not vllm.opened
    assert said == ["parallel: tensor and data parallel engines are for two GPUs"]
