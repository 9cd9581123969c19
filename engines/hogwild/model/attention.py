"""Attention over shared blocks: each query is turned once per block, by how far it is from where the block begins.

    scores of a row = [ turned for the history · its keys | turned for block 0 · its keys | turned for block 1 ... ]

One softmax over all of it, two matrix products before and two after, whatever the number of blocks. The shapes are
those of buckets, positions and masks come from tensors on the device, and nothing is asked back, so that a pass can
be captured as a CUDA graph. Rodionov et al. 2025, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody calls it
from torch import Tensor
from typing_extensions import NamedTuple

from .blocks import Blocks
from .rotation import Rotation, Turn, turned


class Rows(NamedTuple):
    """Tokens that go into numbered blocks in one pass. All int64.

    Attributes:
        token_ids: [rows].
        blocks: The block of each, [rows].
        places: Its place in it, [rows].
        lengths: How long the history is, and each block with them, [1 + blocks].
        sampled: The rows whose logits are wanted, [any].
    """

    token_ids: Tensor
    blocks: Tensor
    places: Tensor
    lengths: Tensor
    sampled: Tensor

    @classmethod
    def of(cls, numbers: Tensor, sizes: Sequence[int]) -> Rows:
        """The rows whose parts, of these sizes, follow each other in one tensor, which takes one copy to a device."""
        return cls(*numbers.split(list(sizes)))


class Sight:
    """Which blocks are seen from which, and what lies between, as tensors.

    Attributes:
        seen: Whether a block sees another, [blocks, blocks] of 0 and 1.
        between: Whether a part lies between where another begins and one's own block, [blocks, 1 + blocks, 1 + blocks]
            of 0 and 1; the first part is the history.
    """

    def __init__(self, views: Sequence[Sequence[int]], device: torch.device) -> None:
        seen = torch.zeros(len(views), len(views), dtype=torch.int64)
        parts = 1 + len(views)
        between = torch.zeros(len(views), parts, parts, dtype=torch.float64)
        for block, view in enumerate(views):
            seen[block, list(view)] = 1
            before = [0, *(1 + other for other in view[:-1])]
            for place, part in enumerate(before):
                between[block, part, before[place:]] = 1
        self.seen, self.between = seen.to(device), between.to(device)


class Bearings:
    """How far each row sees, and how its vectors turn, in one pass. The parts are the history, then the blocks.

    Attributes:
        limits: How much of each part a row sees, [rows, parts].
        query_turn: Of its query, for each part, with the scale of the scores in it; [parts, rows, head_dim].
        key_turn: Of its key, [rows, head_dim].
    """

    def __init__(self, sight: Sight, rotation: Rotation, rows: Rows, scale: float) -> None:
        distances = sight.between[rows.blocks] @ rows.lengths.double() + rows.places[:, None]
        # Kernels read it as it is told here: of a transposed view, it would lie in memory as that does.
        self.query_turn = rotation.by(distances.T.contiguous(), rotation.scaling * scale)
        self.key_turn = rotation.by(rows.places, rotation.scaling)
        seen = sight.seen[rows.blocks] * rows.lengths[1:]
        seen = seen.scatter(1, rows.blocks[:, None], rows.places[:, None] + 1)
        self.limits = torch.cat((rows.lengths[:1].expand(len(seen), 1), seen), 1)


class SharedAttention:
    """Attention of one pass of rows in numbered blocks; each sees its block's view, and its own block up to itself.

    Args:
        blocks: With room for the rows, which it writes there.
        rows: The rows.
        bearings: What they see.
        buckets: How much of the history and of each block is read; no less than their lengths.
    """

    def __init__(
        self, blocks: Blocks, rows: Rows, bearings: Bearings, buckets: tuple[int, int]
    ) -> None:
        self._blocks = blocks
        self._rows = rows
        self._buckets = buckets
        # Beside the heads of a group, and of a query beside the heads of keys.
        self._query_turn = Turn(*(part[:, None, :, None] for part in bearings.query_turn))
        self._key_turn = Turn(*(part[:, None] for part in bearings.key_turn))
        self._mask = self._hidden(bearings.limits)

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Writes the rows' keys and values, and attends."""
        history, numbered = self._blocks.history, self._blocks.numbered
        history_bucket, block_bucket = self._buckets
        place = (self._rows.blocks, slice(None), self._rows.places)
        numbered.keys[layer][place] = turned(key, self._key_turn)
        numbered.values[layer][place] = value
        rows, kv_heads, head_dim = key.shape
        parts = numbered.keys.shape[1]

        grouped = query.view(rows, kv_heads, -1, head_dim).transpose(0, 1)
        queries = turned(grouped, self._query_turn).reshape(1 + parts, kv_heads, -1, head_dim)
        past = slice(history_bucket)
        scores = queries[0] @ history.keys[layer, :, past].transpose(1, 2)
        own = queries[1:] @ numbered.keys[layer, :, :, :block_bucket].transpose(2, 3)
        both = torch.cat((scores, own.permute(1, 2, 0, 3).flatten(2)), -1)
        weights = (
            both.view(kv_heads, rows, -1, both.shape[-1])
            .add_(self._mask)
            .softmax(-1, dtype=torch.promote_types(both.dtype, torch.float32))
            .to(both.dtype)
            .view_as(both)
        )
        mixed = weights[..., past] @ history.values[layer, :, past]
        own = weights[..., history_bucket:].unflatten(-1, (parts, block_bucket)).permute(2, 0, 1, 3)
        mixed = mixed + (own @ numbered.values[layer, :, :, :block_bucket]).sum(0)
        return mixed.view(kv_heads, rows, -1, head_dim).transpose(0, 1).reshape(rows, -1)

    def _hidden(self, limits: Tensor) -> Tensor:
        """What is added to the scores, [rows, 1, history bucket + blocks * block bucket]: 0 or -inf."""
        history_bucket, block_bucket = self._buckets
        blocks = torch.arange(block_bucket, device=limits.device) >= limits[:, 1:, None]
        history = torch.arange(history_bucket, device=limits.device) >= limits[:, :1]
        both = torch.cat((history, blocks.flatten(1)), 1)
        mask = torch.zeros(both.shape, dtype=self._blocks.numbered.keys.dtype, device=limits.device)
        return mask.masked_fill(both, -torch.inf)[:, None]


class CausalAttention:
    """Attention of rows at the end of the history, which sees nothing but itself."""

    def __init__(self, blocks: Blocks, rotation: Rotation, rows: int, scale: float) -> None:
        self._history = blocks.history
        self._begin, self._end = blocks.history_length, blocks.history_length + rows
        places = torch.arange(self._begin, self._end, device=blocks.history.keys.device)
        self._query_turn = rotation.by(places[:, None], rotation.scaling * scale)
        self._key_turn = rotation.by(places[:, None], rotation.scaling)
        past = torch.arange(self._end, device=places.device)
        self._seen = (past <= places[:, None])[:, None]

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Writes the rows' keys and values, and attends."""
        rows, kv_heads, head_dim = key.shape
        keys, values = self._history.keys[layer], self._history.values[layer]
        keys[:, self._begin : self._end] = turned(key, self._key_turn).transpose(0, 1)
        values[:, self._begin : self._end] = value.transpose(0, 1)
        # The queries that share a head of keys, one after another, so that no key is repeated.
        grouped = turned(query, self._query_turn).view(rows, kv_heads, -1, head_dim)
        group = grouped.shape[2]
        mixed = F.scaled_dot_product_attention(
            grouped.transpose(0, 1).reshape(1, kv_heads, -1, head_dim),
            keys[None, :, : self._end],
            values[None, :, : self._end],
            attn_mask=self._seen.expand(-1, group, -1).reshape(rows * group, -1),
            scale=1.0,
        )
        return mixed.view(kv_heads, rows, group, head_dim).transpose(0, 1).reshape(rows, -1)
