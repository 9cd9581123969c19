from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Literal

import anyio
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from engines import Layout, RequestRejected, embedded_model
from engines.hogwild.layout import views
from engines.hogwild.model import blocks as blocks_module
from engines.hogwild.model import torch_decoder
from engines.hogwild.model.torch_decoder import TorchDecoder
from engines.hogwild.model.torch_model import TorchModel
from engines.hogwild.room import most_room_for
from tests.engines.hogwild_reference import (
    FAMILIES,
    VOCABULARY,
    Dense,
    Likeliest,
    difference,
    random_model,
)

# These models are small, and two threads that wait for each other are slower than one.
pytestmark = pytest.mark.usefixtures("one_torch_thread")

LAYOUTS: tuple[Layout, ...] = ("combined", "contiguous", "interleaved")
PRECISIONS = {torch.float32: 1e-5, torch.float64: 1e-12}
DTYPES = tuple(PRECISIONS)
Views = Sequence[Sequence[int]]
Step = tuple[Literal["read", "write", "commit"], Any]


@cache
def random_pair(family: str, dtype: torch.dtype) -> tuple[TorchModel, Any]:
    """A model and, untouched, the one of transformers that it was made from."""
    model = random_model(family, dtype)
    return TorchModel(copy.deepcopy(model)), model


@cache
def embedded_pair() -> tuple[TorchModel, Any]:
    folder = str(anyio.run(embedded_model.prepare))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return TorchModel.load(folder, device="cpu"), model.eval()


class Pair:
    """A decoder, and beside it the dense reference, which is told the same."""

    def __init__(self, models: tuple[TorchModel, Any], seen: Views) -> None:
        self.sampler = Likeliest()
        self.reference = Dense(models[1], seen)
        self.decoder = models[0].decoder(seen, self.sampler)

    def do(self, *steps: Step) -> None:
        for step in steps:
            self._do(step)

    def _do(self, step: Step) -> None:
        for one in (self.decoder, self.reference):
            name, argument = step
            if name == "read":
                one.read(*argument)
            else:
                getattr(one, name)(argument)

    def difference(self) -> float:
        if not self.sampler.shown:
            return 0.0
        return difference(torch.cat(self.sampler.shown), self.reference.logits())


def token_lists(longest: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=longest)


@st.composite
def random_views(draw: st.DrawFn) -> Views:
    blocks = draw(st.integers(1, 5))
    seen = []
    for block in range(blocks):
        others = [other for other in range(blocks) if other != block]
        order = draw(st.permutations(others))
        seen.append((*order[: draw(st.integers(0, len(others)))], block))
    return seen


some_views = st.one_of(
    random_views(),
    st.builds(lambda layout, n: views(layout, n).of, st.sampled_from(LAYOUTS), st.integers(1, 5)),
)


@st.composite
def schedules(draw: st.DrawFn, blocks: int) -> list[Step]:
    """What a session may do and more: feeds of any lengths to any blocks, steps that end at any time."""
    some = st.integers(0, blocks - 1)
    steps: list[Step] = [("read", (draw(token_lists(25)),))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(("write", "write", "write", "commit", "commit", "read")))
        if kind == "commit":
            steps.append(("commit", draw(some)))
        elif kind == "read":
            place = draw(st.one_of(st.none(), some))
            steps.append(("read", (draw(token_lists(9)), place)))
        else:
            length = draw(st.sampled_from((1, 1, 9)))
            feeds = draw(st.dictionaries(some, token_lists(length), min_size=1))
            steps.append(("write", feeds))
    return steps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=25)
@given(data=st.data())
def test_logits_are_those_of_a_dense_pass_over_what_each_token_sees(
    family: str, dtype: torch.dtype, data: st.DataObject
) -> None:
    seen = data.draw(some_views)
    pair = Pair(random_pair(family, dtype), seen)
    pair.do(*data.draw(schedules(len(seen))))
    assert pair.difference() < PRECISIONS[dtype]


def session(layout: Layout, workers: int, rounds: int, seed: int, vocabulary: int) -> list[Step]:
    """As a session goes: steps begin with a header of some tokens, while the others write on."""
    random = Random(seed)

    def some(count: int) -> list[int]:
        return [random.randrange(vocabulary) for _ in range(count)]

    seen = views(layout, workers)
    steps: list[Step] = [("read", (some(20),))]
    steps += [("read", (some(5), seen.others)), ("read", (some(4), seen.own))]
    begins = set(range(workers))
    for _ in range(rounds):
        feeds = {worker: some(6 if worker in begins else 1) for worker in range(workers)}
        steps.append(("write", feeds))
        begins = {worker for worker in range(workers) if random.random() < 0.08}
        if seen.moves_steps:
            steps += [("commit", worker) for worker in sorted(begins)]
    return steps


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_sessions_are_exact_in_every_layout(family: str, layout: Layout) -> None:
    pair = Pair(random_pair(family, torch.float32), views(layout, 4).of)
    pair.do(*session(layout, 4, 30, seed=1, vocabulary=VOCABULARY))
    assert pair.difference() < PRECISIONS[torch.float32]


def test_a_session_of_the_embedded_model_is_exact() -> None:
    pair = Pair(embedded_pair(), views("combined", 3).of)
    pair.do(*session("combined", 3, 24, seed=2, vocabulary=49_000))
    assert len(pair.reference.asked) == 72
    assert len(pair.reference.history) > 20, "no step ended"
    assert pair.difference() < 1e-4


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LINEAR = {"rope_type": "linear", "factor": 4.0}


@pytest.mark.parametrize("rope", [YARN, LLAMA3, LINEAR], ids=lambda rope: str(rope["rope_type"]))
def test_frequencies_and_scaling_are_the_models_own_also_after_moves(rope: dict[str, Any]) -> None:
    parameters = {"rope_theta": 1e4, **rope}
    model = random_model(
        "llama", torch.float64, rope_parameters=parameters, max_position_embeddings=256
    )
    assert (model.model.rotary_emb.attention_scaling != 1) == (rope is YARN)
    models = TorchModel(copy.deepcopy(model)), model
    pair = Pair(models, views("combined", 2).of)
    pair.do(*session("combined", 2, 30, seed=3, vocabulary=VOCABULARY))
    assert pair.difference() < PRECISIONS[torch.float64]
    assert alone(models[0], [5, 6, 7], 20) == generated(model, [5, 6, 7], 20)


def alone(model: TorchModel, prompt: list[int], count: int) -> list[int]:
    """What one worker writes by itself."""
    decoder = model.decoder(views("combined", 1).of, Likeliest())
    decoder.read(prompt[:-1])
    tokens = prompt[-1:]
    for _ in range(count):
        tokens.append(decoder.write({0: tokens[-1:]}, greedy=True)[0].token_id)
    return tokens[1:]


def generated(model: Any, prompt: list[int], count: int) -> list[int]:
    """What transformers generates."""
    model.generation_config.eos_token_id = None
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    found = model.generate(ids, attention_mask=mask, max_new_tokens=count, do_sample=False)
    return [int(token_id) for token_id in found[0, len(prompt) :]]


@pytest.mark.parametrize("family", FAMILIES)
def test_one_worker_writes_what_transformers_generates(family: str) -> None:
    model, plain = random_pair(family, torch.float32)
    prompt = [(7 * place) % VOCABULARY for place in range(50)]
    assert alone(model, prompt, 100) == generated(plain, prompt, 100)


def test_one_worker_of_the_embedded_model_writes_what_transformers_generates() -> None:
    model, plain = embedded_pair()
    prompt = [504, 3575, 282, 4649, 314]
    assert alone(model, prompt, 24) == generated(plain, prompt, 24)


def test_blocks_that_grow_over_several_doublings_stay_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch_decoder, "_CHUNK", 37)
    pair = Pair(random_pair("qwen3", torch.float32), views("contiguous", 2).of)
    tokens = [(11 * place) % VOCABULARY for place in range(150)]
    capacities = set()
    for begin in range(0, 150, 50):
        pair.do(("read", (tokens,)), ("write", {0: tokens[begin : begin + 50], 1: [begin // 2]}))
        pair.do(("read", (tokens[:30], 1)), ("write", {0: [3], 1: [4]}))
        pair.do(("commit", 1))
        stores = pair.decoder.blocks.history, pair.decoder.blocks.numbered
        capacities.add(tuple(store.capacity for store in stores))
    assert capacities == {(256, 64), (512, 128), (1024, 256)}
    assert pair.difference() < PRECISIONS[torch.float32]


def test_a_decoder_can_be_told_to_read_nothing_or_to_move_nothing() -> None:
    pair = Pair(random_pair("llama", torch.float32), views("combined", 2).of)
    pair.do(("read", ([],)), ("read", ([], 1)), ("commit", 0), ("write", {0: [5], 1: [6]}))
    assert pair.difference() < PRECISIONS[torch.float32]


def held_bytes(decoder: TorchDecoder) -> int:
    """All that the tensors of a decoder take, whatever they are for."""
    stores = decoder.blocks.history, decoder.blocks.numbered
    parts = [part for store in stores for part in vars(store).values()]
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    tensors += vars(decoder._sight).values()
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_memory_grows_by_the_workers_own_blocks_only(workers: int) -> None:
    model, _ = random_pair("llama", torch.float32)
    decoder = model.decoder(views("combined", workers).of, Likeliest())
    decoder.read([1] * 2000)
    for _ in range(50):
        decoder.write({worker: [2] for worker in range(workers)})
    assert model.token_bytes == 2 * 2 * 2 * 16 * 4
    cache = model.token_bytes * (2048 + (workers + 2) * 64)
    assert decoder.blocks.bytes == cache
    # Which blocks see which, and nothing else.
    assert cache < held_bytes(decoder) < cache + 20_000


def test_no_memory_for_a_prompt_is_said_with_what_it_needs_and_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, _ = random_pair("llama", torch.float32)
    decoder = model.decoder(views("combined", 2).of, Likeliest())
    monkeypatch.setattr(blocks_module, "free_bytes", lambda device: 1_000_000)
    with pytest.raises(RequestRejected, match="grow by 1 MB and 1 MB are free on cpu: use fewer"):
        decoder.read([1] * 5000)


@pytest.mark.parametrize("call", ["read", "write"])
def test_a_pass_that_runs_out_of_memory_is_a_rejected_request(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = random_pair("llama", torch.float32)
    decoder = model.decoder(views("combined", 2).of, Likeliest())

    def exhausted(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.network, "hidden", exhausted)
    with pytest.raises(RequestRejected, match="does not fit into the memory of cpu: use fewer"):
        decoder.read([1]) if call == "read" else decoder.write({0: [1]})


@given(st.integers(1, 200), st.integers(1, 40))
@settings(max_examples=20)
def test_a_call_is_admitted_by_what_its_decoder_holds_while_it_grows(
    total: int, piece: int
) -> None:
    model, _ = random_pair("llama", torch.float32)
    blocks = model.decoder(((0,),), Likeliest()).blocks
    held = 0
    for tokens in [*range(piece, total, piece), total]:
        before = blocks.history.capacity
        grew = blocks.history.reserve(tokens, 200)
        held = max(held, blocks.history.capacity + before * grew)
    assert held == most_room_for(total, 64, 200)
