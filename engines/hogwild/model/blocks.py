"""The keys and values of a session: the common history, and one tensor for all numbered blocks.

    history   [layers,         kv_heads, capacity, head_dim]    keys at their positions
    numbered  [layers, blocks, kv_heads, capacity, head_dim]    keys at their places in their block

Nothing is kept per worker beside its own block. Knows nothing of views.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import RequestRejected
from ..room import LEAST_ROOM, room_for
from .memory import free_bytes
from .rotation import Rotation, turned


class Store:
    """Keys and values [..., capacity, head_dim] with room that doubles, from `least` on.

    Attributes:
        keys: Zeros where nothing was written, since what a mask hides must still be a number.
        values: The same.
    """

    def __init__(self, shape: Sequence[int], head_dim: int, like: Tensor, least: int) -> None:
        self._least = least
        self.keys = like.new_zeros((*shape, 0, head_dim))
        self.values = like.new_zeros((*shape, 0, head_dim))

    @property
    def capacity(self) -> int:
        """For how many tokens of each block there is room."""
        return int(self.keys.shape[-2])

    @property
    def bytes(self) -> int:
        """What it takes."""
        return int(self.keys.nbytes + self.values.nbytes)

    def reserve(self, tokens: int, window: int) -> bool:
        """Makes room for so many tokens in each block, and for more where these are few; never beyond the window.

        Returns:
            Whether it grew: it is in another place then.

        Raises:
            RequestRejected: There is no memory for them.
        """
        if tokens <= self.capacity:
            return False
        capacity = room_for(tokens, self._least, window)
        self.keys, self.values = (_grown(old, capacity) for old in (self.keys, self.values))
        return True


class Blocks:
    """The blocks of one session.

    Attributes:
        history: What all see.
        numbered: The others.
        history_length: Tokens in the history.
        lengths: Tokens in each of the numbered blocks.

    Args:
        shape: Layers, numbered blocks, heads of keys and values, and their dimension.
        like: A tensor of the model, for its dtype and device.
        window: The longest sequence.
    """

    def __init__(self, shape: tuple[int, int, int, int], like: Tensor, window: int) -> None:
        layers, blocks, kv_heads, head_dim = shape
        least = LEAST_ROOM[like.device.type]
        self.history = Store((layers, kv_heads), head_dim, like, least[0])
        self.numbered = Store((layers, blocks, kv_heads), head_dim, like, least[1])
        self.history_length = 0
        self.lengths = [0] * blocks
        self._window = window

    @property
    def bytes(self) -> int:
        """What they take."""
        return self.history.bytes + self.numbered.bytes

    def reserve(self, history: int, longest: int) -> bool:
        """Makes room for so many tokens in the history and in each of the others.

        Returns:
            Whether one of them grew.

        Raises:
            RequestRejected: There is no memory for them.
        """
        history_grew = self.history.reserve(history, self._window)
        return self.numbered.reserve(longest, self._window) or history_grew

    def move(self, block: int, rotation: Rotation) -> None:
        """Appends a block to the history, which has room for it: its keys turn by the history's length, once."""
        begin, end = self.history_length, self.history_length + self.lengths[block]
        source = slice(self.lengths[block])
        keys = self.numbered.keys[:, block, :, source]
        turn = rotation.by(torch.tensor(begin, device=keys.device))
        self.history.keys[:, :, begin:end] = turned(keys, turn)
        self.history.values[:, :, begin:end] = self.numbered.values[:, block, :, source]
        self.history_length, self.lengths[block] = end, 0


def _grown(old: Tensor, capacity: int) -> Tensor:
    shape = (*old.shape[:-2], capacity, old.shape[-1])
    needed = torch.Size(shape).numel() * old.itemsize
    if needed > free_bytes(old.device):
        raise _no_room(needed, old.device)
    try:
        new = old.new_zeros(shape)
    except torch.OutOfMemoryError as error:
        raise _no_room(needed, old.device) from error
    new[..., : old.shape[-2], :] = old
    return new


def _no_room(needed: int, device: torch.device) -> RequestRejected:
    return RequestRejected(
        f"the attention cache has to grow by {needed / 1e6:,.0f} MB and {free_bytes(device) / 1e6:,.0f} MB are free on "
        f"{device}: use fewer workers, fewer tokens or a smaller model"
    )
