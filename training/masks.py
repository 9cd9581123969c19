"""Which tokens of a row see which: an ancestor in its trie, or itself; as scores that are added, and by blocks.

    dense     a number for each pair of tokens, for any attention
    blocks    squares of such pairs in which any token sees another, for FlexAttention (Dong et al. 2024)

In rows of many lessons a token sees a seventh of those before it: the other blocks are not computed.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask

_BLOCK = 128


def dense_mask(ends: Tensor) -> Tensor:
    """0 where a token sees another, minus infinity elsewhere (rows, 1, length, length).

    Args:
        ends: The index after the last token that sees each (rows, length).
    """
    seen = _seen(ends)
    # Added to the scores by every layer as it is; of truths each layer would make such a mask again.
    mask = torch.zeros(seen.shape, device=ends.device)
    return mask.masked_fill_(~seen, -torch.inf)[:, None]


def block_mask(ends: Tensor) -> BlockMask:
    """The blocks in which some tokens see others, and those in which all do.

    Args:
        ends: The index after the last token that sees each (rows, length).
    """
    rows, length = ends.shape
    blocks = -(-length // _BLOCK)
    padding = blocks * _BLOCK - length
    seen = functional.pad(_seen(ends), (0, padding, 0, padding))
    parted = seen.view(rows, blocks, _BLOCK, blocks, _BLOCK)
    some, every = parted.any(4).any(2), parted.all(4).all(2)

    def sees(row: Tensor, head: Tensor, token: Tensor, other: Tensor) -> Tensor:
        return (other <= token) & (token < ends[row, other])

    return BlockMask.from_kv_blocks(
        *_listed(some & ~every),
        *_listed(every),
        BLOCK_SIZE=_BLOCK,
        mask_mod=sees,
        seq_lengths=(length, length),
    )


def _seen(ends: Tensor) -> Tensor:
    """Whether a token (second index) sees another (third): which is before it, or itself, and ends after it."""
    places = torch.arange(ends.shape[1], device=ends.device)
    return (places[None, :] <= places[:, None]) & (places[None, :, None] < ends[:, None, :])


def _listed(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks of each line are true (rows, 1, lines), and all places, theirs first (rows, 1, lines, blocks)."""
    order = torch.argsort(blocks.to(torch.int8), dim=-1, descending=True, stable=True)
    return blocks.sum(-1).to(torch.int32)[:, None], order.to(torch.int32)[:, None]
