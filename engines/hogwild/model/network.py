"""The weights of a Llama-, Qwen2- or Qwen3-type model and all of its forward pass but attention, which is an argument.

    ids ─> embedding ─> [ norm ─> q, k, v ─> attend ─> out ─> norm ─> gate, up ─> down ] ... ─> norm ─> logits

Takes a model of transformers apart, and refuses one that has parts which it would leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody calls it
from torch import Tensor, nn

from ...errors import UsageError

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Layer, queries [rows, heads, head_dim], keys and values [rows, kv_heads, head_dim] to [rows, heads * head_dim]."""

_PARTS = {
    "": {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"},
    "self_attn": {"q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm"},
    "mlp": {"gate_proj", "up_proj", "down_proj", "act_fn"},
}


@dataclass(frozen=True, slots=True)
class Linear:
    """A projection: weight [out, in], bias [out] or None."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, rows: Tensor) -> Tensor:
        """Projects rows [..., in] to [..., out]."""
        return F.linear(rows, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class Norm:
    """A root mean square norm: weight [size], epsilon."""

    weight: Tensor
    epsilon: float

    def __call__(self, rows: Tensor) -> Tensor:
        """Norms rows [..., size]."""
        return F.rms_norm(rows, (self.weight.shape[0],), self.weight, self.epsilon)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; projections that read the same rows are one matrix.

    Attributes:
        heads: The norms of each head's query and of its key, which Qwen3 has; None without.
    """

    before_attention: Norm
    query_key_value: Linear
    heads: tuple[Norm, Norm] | None
    out: Linear
    before_mlp: Norm
    gate_up: Linear
    down: Linear

    def normed(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Query and key with their norms, where there are any."""
        if self.heads is None:
            return query, key
        return self.heads[0](query), self.heads[1](key)


class Network:
    """A model of transformers, taken apart; its weights are shared with it, not copied.

    Attributes:
        heads: Heads of queries.
        kv_heads: Heads of keys and values.
        head_dim: Their dimension.
        embedding: [vocabulary, hidden].

    Raises:
        UsageError: It has parts that are not handled here.
    """

    def __init__(self, model: Any) -> None:
        config, body = model.config, model.model
        for layer in body.layers:
            _require_known_parts(layer)
        self.heads = int(config.num_attention_heads)
        self.kv_heads = int(config.num_key_value_heads)
        self.head_dim = int(body.layers[0].self_attn.head_dim)
        self.embedding: Tensor = body.embed_tokens.weight.detach()
        self.layers = [_taken_apart(layer) for layer in body.layers]
        self._last_norm = _norm(body.norm)
        self._head = _linear(model.lm_head)

    @property
    def vocabulary(self) -> int:
        """How many logits a row has."""
        return int(self._head.weight.shape[0])

    def hidden(self, token_ids: Tensor, attend: Attend) -> Tensor:
        """What the last layer says of the tokens, [rows] to [rows, hidden]."""
        rows = F.embedding(token_ids, self.embedding)
        split = (self.heads, self.kv_heads, self.kv_heads)
        for number, layer in enumerate(self.layers):
            projected = layer.query_key_value(layer.before_attention(rows))
            parts = projected.view(len(rows), -1, self.head_dim).split(split, 1)
            query, key = layer.normed(*parts[:2])
            rows = rows + layer.out(attend(number, query, key, parts[2]))
            gate, up = layer.gate_up(layer.before_mlp(rows)).chunk(2, -1)
            rows = rows + layer.down(F.silu(gate) * up)
        return rows

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, hidden] to [rows, vocabulary]."""
        return self._head(self._last_norm(hidden))


def _taken_apart(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    normed = hasattr(attention, "q_norm")
    return Layer(
        before_attention=_norm(layer.input_layernorm),
        query_key_value=_side_by_side(attention.q_proj, attention.k_proj, attention.v_proj),
        heads=(_norm(attention.q_norm), _norm(attention.k_norm)) if normed else None,
        out=_linear(attention.o_proj),
        before_mlp=_norm(layer.post_attention_layernorm),
        gate_up=_side_by_side(mlp.gate_proj, mlp.up_proj),
        down=_linear(mlp.down_proj),
    )


def _norm(module: Any) -> Norm:
    return Norm(module.weight.detach(), float(module.variance_epsilon))


def _linear(module: Any) -> Linear:
    return Linear(module.weight.detach(), None if module.bias is None else module.bias.detach())


def _side_by_side(*modules: Any) -> Linear:
    """The projections as one; the modules go on with views of it, so that no weight is held twice."""
    weight = _joined([module.weight for module in modules])
    if modules[0].bias is None:
        return Linear(weight, None)
    return Linear(weight, _joined([module.bias for module in modules]))


def _joined(parameters: Sequence[Any]) -> Tensor:
    whole = torch.cat([parameter.detach() for parameter in parameters])
    pieces = whole.split([len(parameter) for parameter in parameters])
    for parameter, piece in zip(parameters, pieces, strict=True):
        parameter.data = piece
    return whole


def _require_known_parts(layer: Any) -> None:
    for place, known in _PARTS.items():
        module = layer.get_submodule(place)
        parts = dict(module.named_children())
        strange = [name for name in parts if name not in known]
        strange += [
            f"{name}: {type(part).__name__}"
            for name, part in parts.items()
            if name.endswith("_proj") and type(part) is not nn.Linear
        ]
        if strange:
            raise UsageError(
                f"a layer of this model has parts that the hogwild engine does not know ({', '.join(strange)}): "
                f"use a plain model, without adapters and quantised weights"
            )
