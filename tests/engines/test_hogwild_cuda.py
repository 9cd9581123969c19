"""The decoder on a GPU, where passes are captured graphs, beside itself on a CPU, which the other tests hold exact."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import torch

from engines import Layout
from engines.hogwild.layout import views
from engines.hogwild.model.torch_model import TorchModel
from tests.engines.hogwild_reference import (
    FAMILIES,
    VOCABULARY,
    Likeliest,
    difference,
    random_model,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

WORKERS = 3
LAYOUTS: tuple[Layout, ...] = ("combined", "contiguous", "interleaved")


@pytest.fixture(autouse=True)
def no_tf32() -> None:
    torch.set_float32_matmul_precision("highest")


def logits(
    family: str, layout: Layout, devices: Sequence[str], rounds: int, head_dim: int
) -> list[torch.Tensor]:
    """Those of a session that is the same on all devices, [asked, vocabulary] each."""
    sizes: dict[str, Any] = {"head_dim": head_dim}
    if family == "qwen2":
        # Wide rows of large weights make attention so sharp that rounding alone changes what it says.
        sizes = {"hidden_size": 6 * head_dim, "initializer_range": 1.4 / (6 * head_dim) ** 0.5}
    model = random_model(family, torch.float32, **sizes)
    samplers = [Likeliest() for _ in devices]
    seen = views(layout, WORKERS)
    decoders = [
        TorchModel(copy.deepcopy(model).to(device)).decoder(seen.of, sampler)
        for device, sampler in zip(devices, samplers, strict=True)
    ]
    random = Random(family + layout)

    def ids(number: int) -> Sequence[int]:
        return random.choices(range(VOCABULARY), k=number)

    prompt, marks = ids(70), (ids(5), ids(4))
    for decoder in decoders:
        decoder.read(prompt)
        decoder.read(marks[0], seen.others)
        decoder.read(marks[1], seen.own)
    for number in range(rounds):
        feeds = {worker: ids(9 if random.random() < 0.05 else 1) for worker in range(WORKERS)}
        if number % 50 == 49:
            del feeds[random.randrange(WORKERS)]
        ended = random.randrange(WORKERS) if seen.moves_steps and random.random() < 0.03 else None
        for decoder in decoders:
            decoder.write(feeds)
            if ended is not None:
                decoder.commit(ended)
    return [torch.cat(sampler.shown).cpu() for sampler in samplers]


# Heads of 16 are too small for the fused kernels.
@pytest.mark.parametrize("head_dim", [16, 32, 128])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_gpu_gives_the_logits_of_a_cpu_and_the_same_ones_again(
    family: str, layout: Layout, head_dim: int
) -> None:
    # Long enough for both stores to grow, after their shapes were captured.
    expected, found, again = logits(family, layout, ["cpu", "cuda", "cuda"], 400, head_dim)
    assert difference(found, expected) < 1e-4
    assert torch.equal(found, again)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one GPU")
def test_a_gpu_that_is_not_the_current_one_does_so_too() -> None:
    expected, found = logits("qwen3", "combined", ["cpu", "cuda:1"], 40, 32)
    assert difference(found, expected) < 1e-4
    assert torch.cuda.current_device() == 0
