"""Attention over shared blocks in three kernels, for GPUs: the same as `SharedAttention`, in a tenth of the launches.

    place     each row's key turns and goes into its block, with its value
    attend    a tile of keys of one part, for all queries, which turn here:  scores ─> weights, their sum, what they mix
    merge     the tiles of a query become one (as in Flash-Decoding, Dao et al. 2023)

Rodionov et al. 2025, section 3.3 and appendix. Written in Triton, which comes with PyTorch for CUDA.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from .attention import Bearings, Rows
from .blocks import Blocks
from .kernels import attend, merge, place

_TILE = 64
_MOST_QUERIES = 64
_MERGED_AT_ONCE = 16


class FusedAttention:
    """Attention of one pass; see `SharedAttention`. The halves of a head are a power of two long."""

    def __init__(
        self, blocks: Blocks, rows: Rows, bearings: Bearings, buckets: tuple[int, int]
    ) -> None:
        self._blocks = blocks
        self._rows = rows
        self._bearings = bearings
        self._history_tiles = triton.cdiv(buckets[0], _TILE)
        self._block_tiles = triton.cdiv(buckets[1], _TILE)

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Writes the rows' keys and values, and attends."""
        history, numbered = self._blocks.history, self._blocks.numbered
        self._place(numbered.keys[layer], numbered.values[layer], key, value)
        rows, kv_heads, head_dim = key.shape
        group = query.shape[1] // kv_heads
        at_once = min(_MOST_QUERIES, max(16, triton.next_power_of_2(rows * group)))
        chunks = triton.cdiv(rows * group, at_once)
        tiles = self._history_tiles + numbered.keys.shape[1] * self._block_tiles
        places = (kv_heads, tiles, chunks * at_once)
        sums = torch.empty((2, *places), dtype=torch.float32, device=key.device)
        mixed = torch.empty((*places, head_dim), dtype=torch.float32, device=key.device)
        turn, limits = self._bearings.query_turn, self._bearings.limits
        arguments: tuple[Any, ...] = (
            query, turn.cos, turn.sin, limits,
            history.keys[layer], history.values[layer],
            numbered.keys[layer], numbered.values[layer],
            sums, mixed,
        )  # fmt: skip
        attend[(kv_heads, tiles, chunks)](
            *arguments,
            rows, group, limits.shape[1], tiles, self._history_tiles, self._block_tiles,
            query.stride(0), query.stride(1),
            history.keys.stride(1), numbered.keys.stride(1), numbered.keys.stride(2),
            half=head_dim // 2, at_once=at_once, tile_size=_TILE,
        )  # fmt: skip
        out = torch.empty((rows, query.shape[1] * head_dim), dtype=key.dtype, device=key.device)
        merge[(kv_heads, rows * group)](
            sums, mixed, out, group, tiles, places[2], sums.stride(0), out.stride(0),
            dimension=head_dim, at_once=_MERGED_AT_ONCE,
        )  # fmt: skip
        return out

    def _place(self, keys: Tensor, values: Tensor, key: Tensor, value: Tensor) -> None:
        rows, kv_heads, head_dim = key.shape
        turn = self._bearings.key_turn
        place[(rows, kv_heads)](
            keys, values, key, value, turn.cos, turn.sin, self._rows.blocks, self._rows.places,
            key.stride(0), key.stride(1), value.stride(0), value.stride(1),
            keys.stride(0), keys.stride(1),
            half=head_dim // 2,
        )  # fmt: skip
