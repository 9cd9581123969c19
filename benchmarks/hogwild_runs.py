"""What `benchmarks.hogwild` times: passes of workers over one cache, the same with steps that end, independent writers
in transformers, whole sessions, and draws.

Histories are random keys and values that were never computed, which takes no time and changes nothing in a pass. Rates
are from the median round, but where steps end, whose cost comes in a few rounds only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import torch
from transformers import DynamicCache, GenerationConfig, StaticCache
from transformers.generation.streamers import BaseStreamer

from engines import Collaboration, Sampling
from engines.hogwild.decoder import Decoder, Sampled
from engines.hogwild.layout import views
from engines.hogwild.model.sampler import Sampler
from engines.hogwild.model.torch_decoder import TorchDecoder
from engines.hogwild.model.torch_model import TorchModel
from engines.hogwild.session import Session
from engines.hogwild.tokenizer import Tokenizer

CacheKind = Literal["dynamic", "static", "compiled"]
SAMPLING = Sampling(temperature=0.7, seed=1)
STEP_TOKENS = 64
_WARM_UP = 4
_MARK = range(10, 18)
_BEGUN = range(20, 52)


@dataclass(frozen=True)
class Figure:
    """What a run of rounds came to.

    Attributes:
        tokens_per_second: Of all workers together.
        milliseconds: A round.
        kv_bytes: Of keys and values, at the end: what is in use, and with the room beside it.
        kv_reserved: The latter.
    """

    tokens_per_second: float
    milliseconds: float
    kv_bytes: int
    kv_reserved: int


def passes(model: TorchModel, workers: int, history: int, rounds: int) -> Figure:
    """Rounds of workers that are in the middle of their steps: a token of each in one pass."""
    decoder = _begun(model, workers, history)
    feeds: Mapping[int, Sequence[int]] = dict.fromkeys(range(workers), _BEGUN)
    seconds = []
    for _ in range(_WARM_UP + rounds):
        start = time.perf_counter()
        sampled = decoder.write(feeds)
        seconds.append(time.perf_counter() - start)
        feeds = {worker: (one.token_id,) for worker, one in sampled.items()}
    a_round = median(seconds[_WARM_UP:])
    return _figure(model, decoder, workers / a_round, a_round)


def with_steps(model: TorchModel, workers: int, history: int, rounds: int) -> Figure:
    """Rounds in which each worker's step ends every `STEP_TOKENS` tokens, one worker's after another's.

    As in a session, what is sampled after the last token of a step counts for nothing, its block moves into the history
    then, and the next step begins with a header, which is put in.
    """
    if model.device.type == "cuda":
        # Kernels are compiled for each new kind of shape, once on a machine.
        _with_steps(model, workers, history, STEP_TOKENS)
    return _with_steps(model, workers, history, rounds)


def _with_steps(model: TorchModel, workers: int, history: int, rounds: int) -> Figure:
    decoder = _begun(model, workers, history)
    feeds: dict[int, Sequence[int]] = dict.fromkeys(range(workers), _MARK)
    left = {worker: STEP_TOKENS * (worker + 1) // workers for worker in feeds}
    kept, start = 0, time.perf_counter()
    for number in range(_WARM_UP + rounds):
        if number == _WARM_UP:
            kept, start = 0, time.perf_counter()
        for worker, one in decoder.write(feeds).items():
            if left[worker]:
                left[worker] -= 1
                kept += 1
                feeds[worker] = (one.token_id,)
            else:
                decoder.commit(worker)
                left[worker], feeds[worker] = STEP_TOKENS, _MARK
    seconds = time.perf_counter() - start
    return _figure(model, decoder, kept / seconds, seconds / rounds)


def independent(model: Any, writers: int, history: int, rounds: int, kind: CacheKind) -> Figure:
    """Writers with a cache each, by `generate` of transformers: a batch of prompts of the same length."""
    cache: Any = (
        DynamicCache(config=model.config)
        if kind == "dynamic"
        else StaticCache(model.config, max_cache_len=history + _WARM_UP + rounds + 2)
    )
    config = model.config
    shape = (writers, config.num_key_value_heads, history, _head_dim(config))
    for layer in range(config.num_hidden_layers):
        keys, values = torch.randn(2, *shape, dtype=model.dtype, device=model.device)
        cache.update(keys, values, layer)
    prompts = torch.full((writers, history + 1), _MARK[0], device=model.device)
    clock = _Clock()
    model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        past_key_values=cache,
        streamer=clock,
        generation_config=GenerationConfig(
            max_new_tokens=_WARM_UP + rounds + 1,
            do_sample=True,
            temperature=SAMPLING.temperature,
            top_k=0,
            pad_token_id=0,
            disable_compile=kind != "compiled",
        ),
    )
    a_round = median(clock.seconds[_WARM_UP:])
    reserved = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    used = reserved * (history + _WARM_UP + rounds) // cache.layers[0].keys.shape[2]
    return Figure(writers / a_round, 1000 * a_round, used, reserved)


class _Clock(BaseStreamer):  # type: ignore[misc]  # transformers has no types here
    """When each token of a batch came; first come the prompts."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """There is nothing to do."""

    @property
    def seconds(self) -> list[float]:
        """Between each two of them."""
        return [
            after - before for before, after in zip(self.times[1:], self.times[2:], strict=False)
        ]


def drawing(model: TorchModel, workers: int, rounds: int = 20) -> float:
    """Milliseconds that the draws of a round take, their copy to the host with them."""
    sampler = Sampler([SAMPLING] * workers, banned=range(3), device=model.device)
    logits = 3 * torch.randn(workers, model.vocabulary, device=model.device)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        sampler.sample(logits, range(workers))
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)


@dataclass(frozen=True)
class Overhead:
    """Milliseconds a round of a whole session, and what of them the decoder does not take."""

    a_round: float
    outside: float


def session(model: TorchModel, tokenizer: Tokenizer, workers: int, rounds: int) -> Overhead:
    """A session with the tokenizer and the rules of steps, its prompt read before."""
    names = tuple(f"Worker {number}" for number in range(workers))
    rules = Collaboration(workers=names, step_tokens=STEP_TOKENS, answer_tokens=0)
    sampling = SAMPLING.model_copy(
        update={"collaboration": rules, "max_tokens": workers * 2 * (_WARM_UP + rounds)}
    )
    seen = views(rules.layout, workers).of
    decoder = _Timed(_decoder(model, seen))
    prompt = tokenizer.encode("How many primes are there below 60? " * 6)
    running = Session(prompt, sampling, decoder, tokenizer, window=model.window)
    while running.advance() is None:
        """It reads the prompt."""
    whole, inside = [], []
    for _ in range(_WARM_UP + rounds):
        decoder.seconds, start = 0.0, time.perf_counter()
        chunk = running.advance()
        whole.append(time.perf_counter() - start)
        inside.append(decoder.seconds)
        if chunk is None or chunk.finish_reason is not None:
            break
    outside = [one - other for one, other in zip(whole, inside, strict=True)]
    return Overhead(1000 * median(whole), 1000 * median(outside))


class _Timed:
    """A decoder, and the seconds that it took since somebody set them back."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.seconds = 0.0

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        self._decoder.read(token_ids, block)

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        start = time.perf_counter()
        sampled = self._decoder.write(feeds, greedy=greedy)
        self.seconds += time.perf_counter() - start
        return sampled

    def commit(self, block: int) -> None:
        start = time.perf_counter()
        self._decoder.commit(block)
        self.seconds += time.perf_counter() - start


def _begun(model: TorchModel, workers: int, history: int) -> TorchDecoder:
    """A decoder with a history, and with what stands before others' steps and before one's own."""
    seen = views("combined", workers)
    decoder = _decoder(model, seen.of)
    blocks = decoder.blocks
    with torch.inference_mode():
        blocks.reserve(history, 0)
        for tensor in (blocks.history.keys, blocks.history.values):
            tensor[..., :history, :].normal_()
    blocks.history_length = history
    for block in {seen.others, seen.own} & set(seen.of[0]):
        decoder.read(_MARK, block)
    return decoder


def _decoder(model: TorchModel, seen: Sequence[Sequence[int]]) -> TorchDecoder:
    samplings = [SAMPLING.for_branch(str(block)) for block in range(len(seen))]
    return model.decoder(seen, Sampler(samplings, banned=range(3), device=model.device))


def _figure(model: TorchModel, decoder: TorchDecoder, rate: float, a_round: float) -> Figure:
    blocks = decoder.blocks
    tokens = blocks.history_length + sum(blocks.lengths)
    return Figure(rate, 1000 * a_round, tokens * model.token_bytes, blocks.bytes)


def _head_dim(config: Any) -> int:
    found: int | None = getattr(config, "head_dim", None)
    return found or config.hidden_size // config.num_attention_heads
