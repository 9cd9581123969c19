"""What a decoder of shared blocks has to compute, from the definition: every token over its own visible order.

It keeps no cache and turns no query to a block: for each token by itself, the keys of all that it sees are turned to
positions 0, 1, 2 ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from engines.hogwild.decoder import Sampled

FAMILIES: dict[str, Callable[..., Any]] = {
    "llama": LlamaConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
}
VOCABULARY = 97


def random_model(family: str, dtype: torch.dtype, seed: int = 0, **settings: Any) -> Any:
    """Two layers with grouped queries; weights large enough that attention is not nearly even."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes: dict[str, Any] = {
            "vocab_size": VOCABULARY,
            "hidden_size": 48,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "initializer_range": 0.2,
            "eos_token_id": 1,
        }
        head = {} if family == "qwen2" else {"head_dim": 16}
        model = AutoModelForCausalLM.from_config(FAMILIES[family](**sizes | head | settings))
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model.to(dtype).eval()


@dataclass
class Dense:
    """The same tokens in the same blocks, by their numbers.

    Attributes:
        model: A model of transformers, of which only the weights and the frequencies are taken.
        views: As a decoder has them.
        asked: The tokens whose logits a decoder was asked for.
    """

    model: Any
    views: Sequence[Sequence[int]]
    tokens: list[int] = field(default_factory=list)
    visible: list[list[int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    history: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blocks: list[list[int]] = [[] for _ in self.views]

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        if block is not None:
            self._put({block: token_ids})
            return
        for token_id in token_ids:
            self.tokens.append(token_id)
            self.history.append(len(self.tokens) - 1)
            self.visible.append(list(self.history))

    def write(self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False) -> None:
        self._put(feeds)
        self.asked += [self.blocks[block][-1] for block in feeds]

    def commit(self, block: int) -> None:
        self.history += self.blocks[block]
        self.blocks[block] = []

    def _put(self, feeds: Mapping[int, Sequence[int]]) -> None:
        for block, token_ids in feeds.items():
            self.blocks[block] += range(len(self.tokens), len(self.tokens) + len(token_ids))
            self.tokens += token_ids
        for block, token_ids in feeds.items():
            others = [one for other in self.views[block][:-1] for one in self.blocks[other]]
            own = self.blocks[block]
            for end in range(len(own) - len(token_ids) + 1, len(own) + 1):
                self.visible.append(self.history + others + own[:end])

    def logits(self) -> Tensor:
        """For each token that was asked for, in their order, [asked, vocabulary]."""
        with torch.no_grad():
            return self._logits()

    def _logits(self) -> Tensor:
        body, config = self.model.model, self.model.config
        length = max(len(order) for order in self.visible)
        order = torch.tensor([seen + [0] * (length - len(seen)) for seen in self.visible])
        last = torch.tensor([len(seen) - 1 for seen in self.visible])
        angles = torch.arange(length).double()[:, None] * body.rotary_emb.inv_freq.double()
        scaling = body.rotary_emb.attention_scaling
        cosine, sine = (
            (part * scaling).to(self.model.dtype) for part in (angles.cos(), angles.sin())
        )

        def turn(vectors: Tensor, positions: Tensor) -> Tensor:
            """[..., heads, dimension] at positions [...]."""
            first, second = vectors.chunk(2, -1)
            cos, sin = cosine[positions][..., None, :], sine[positions][..., None, :]
            return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)

        def norm(module: Any, rows: Tensor) -> Tensor:
            mean = rows.pow(2).mean(-1, keepdim=True)
            return module.weight * rows / (mean + module.variance_epsilon).sqrt()

        rows = body.embed_tokens.weight[torch.tensor(self.tokens)]
        for layer in body.layers:
            attention, mlp = layer.self_attn, layer.mlp
            given = norm(layer.input_layernorm, rows)
            heads = (len(rows), -1, attention.head_dim)
            query = attention.q_proj(given).view(heads)
            key, value = attention.k_proj(given).view(heads), attention.v_proj(given).view(heads)
            if config.model_type == "qwen3":
                query, key = norm(attention.q_norm, query), norm(attention.k_norm, key)
            # Queries that share a key: [tokens, heads of keys, group, dimension].
            grouped = turn(query, last).unflatten(1, (key.shape[1], -1))
            mixed = []
            for some in torch.arange(len(rows)).split(16):
                seen = order[some]
                keys = turn(key[seen], torch.arange(length)[None])
                scores = torch.einsum("tkgd,tlkd->tkgl", grouped[some], keys)
                hidden = torch.arange(length) > last[some, None]
                scores = scores.masked_fill(hidden[:, None, None], -torch.inf)
                weights = (scores / attention.head_dim**0.5).softmax(-1)
                mixed.append(torch.einsum("tkgl,tlkd->tkgd", weights, value[seen]))
            rows = rows + attention.o_proj(torch.cat(mixed).flatten(1))
            given = norm(layer.post_attention_layernorm, rows)
            gate = mlp.gate_proj(given)
            rows = rows + mlp.down_proj(gate * gate.sigmoid() * mlp.up_proj(given))
        logits: Tensor = self.model.lm_head(norm(body.norm, rows[torch.tensor(self.asked)]))
        return logits


class Likeliest:
    """A sampler that takes the likeliest token, and keeps the logits that it was shown."""

    def __init__(self) -> None:
        self.shown: list[Tensor] = []

    def sample(self, logits: Tensor, blocks: Sequence[int], *, greedy: bool) -> list[Sampled]:
        assert logits.shape[0] == len(blocks)
        self.shown.append(logits.clone())
        return [Sampled(token_id) for token_id in logits.argmax(-1).tolist()]


def difference(found: Tensor, expected: Tensor) -> float:
    """Relative to the largest."""
    return float((found - expected).abs().max() / expected.abs().max())
