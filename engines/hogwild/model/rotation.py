"""Rotary positions: a key is turned to its place in its block, a query to its distance from where a block begins.

    score(q at 900, k at 5 of a block that begins at 700)  =  turn(q, 900 - 700) · turn(k, 5)

Only distances count, so that a block is seen at any place without touching its keys. Knows nothing of views.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from typing_extensions import NamedTuple

from ...errors import UsageError

# Their frequencies depend on how long the sequence is; keys that were turned already would be wrong.
_LENGTH_DEPENDENT = ("dynamic", "longrope")


class Turn(NamedTuple):
    """How far vectors turn.

    Attributes:
        cos: [..., head_dim].
        sin: [..., head_dim], negative in its first half.
    """

    cos: Tensor
    sin: Tensor


class Rotation:
    """The frequencies of a model.

    Args:
        rotary: The module of transformers that has them.
        dtype: The model's.

    Raises:
        UsageError: Its frequencies depend on the length.
    """

    def __init__(self, rotary: Any, dtype: torch.dtype) -> None:
        if rotary.rope_type in _LENGTH_DEPENDENT:
            raise UsageError(
                f"the rope type {rotary.rope_type!r} turns keys by the length of the whole sequence, which shared "
                f"blocks do not have: use a model with another, such as default, linear, llama3 or yarn"
            )
        frequencies = rotary.inv_freq.double()
        self._frequencies = torch.cat((frequencies, frequencies))
        self._signs = torch.cat((-torch.ones_like(frequencies), torch.ones_like(frequencies)))
        self._dtype = torch.promote_types(dtype, torch.float32)
        self.scaling = float(rotary.attention_scaling)

    def by(self, positions: Tensor, scale: float = 1.0) -> Turn:
        """The turn by each of the positions, [...], with vectors made longer by `scale`.

        A vector that is new to attention, query or key, needs the model's `scaling`; a key that moves has it already.
        """
        # In float64, since a long position times a frequency loses digits in float32.
        angles = positions.double()[..., None] * self._frequencies
        cos, sin = angles.cos() * scale, angles.sin() * (self._signs * scale)
        return Turn(cos.to(self._dtype), sin.to(self._dtype))


def turned(vectors: Tensor, turn: Turn) -> Tensor:
    """The vectors, [..., head_dim], turned; shapes broadcast, the dtype stays."""
    halves_swapped = vectors.roll(vectors.shape[-1] // 2, -1)
    return torch.addcmul(vectors * turn.cos, halves_swapped, turn.sin).to(vectors.dtype)
