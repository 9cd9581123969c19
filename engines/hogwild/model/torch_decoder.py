"""The decoder on PyTorch: what goes into the blocks of one session runs through the model here.

Knows no steps and no names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from ...errors import RequestRejected
from ..decoder import Sampled
from .attention import Bearings, CausalAttention, Rows, SharedAttention, Sight
from .blocks import Blocks
from .cuda_graphs import CudaGraphs
from .network import Attend, Network
from .rotation import Rotation

Attention = Callable[[Blocks, Rows, Bearings, tuple[int, int]], Attend]

_CHUNK = 512
_LEAST_BUCKET = 32


class Sampler(Protocol):
    """Takes the next tokens."""

    def sample(self, logits: Tensor, blocks: Sequence[int], *, greedy: bool) -> Sequence[Sampled]:
        """One token for each of the blocks after its logits, [blocks, vocabulary]."""


class TorchDecoder:
    """The blocks of one session in a model's memory; see `Decoder`.

    Args:
        network: The model's weights.
        rotation: Its rotary positions.
        window: The longest sequence that it knows.
        views: For each block, the blocks that it sees after the history, the last one itself.
        sampler: Takes the next tokens.
    """

    def __init__(
        self,
        network: Network,
        rotation: Rotation,
        window: int,
        views: Sequence[Sequence[int]],
        sampler: Sampler,
    ) -> None:
        device = network.embedding.device
        self._network = network
        self._rotation = rotation
        self._sampler = sampler
        self._scale = float(network.head_dim**-0.5)
        with torch.inference_mode():
            self._sight = Sight(views, device)
            shape = (len(network.layers), len(views), network.kv_heads, network.head_dim)
            self.blocks = Blocks(shape, network.embedding, window)
        cuda = device.type == "cuda"
        self._graphs = CudaGraphs(self.run, device) if cuda else None
        self._attention = _attention_on(device, network.head_dim)

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        """Puts tokens at the end of a block, the history if None, and samples nothing."""
        with _in_memory(self.blocks):
            for begin in range(0, len(token_ids), _CHUNK):
                chunk = token_ids[begin : begin + _CHUNK]
                if block is None:
                    self._read_history(chunk)
                else:
                    self._forward({block: chunk}, sampled=False)

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        """Puts tokens at the end of blocks, all in one pass, and samples what comes next in each of these."""
        with _in_memory(self.blocks):
            logits = self._forward(feeds, sampled=True)
            blocks = tuple(feeds)
            sampled = self._sampler.sample(logits, blocks, greedy=greedy)
        return dict(zip(blocks, sampled, strict=True))

    def commit(self, block: int) -> None:
        """Moves what is in a block to the end of the history; the block is empty then."""
        with _in_memory(self.blocks):
            self._reserve(self.blocks.history_length + self.blocks.lengths[block], 0)
            self.blocks.move(block, self._rotation)

    def free(self) -> None:
        """Frees the blocks at once, whatever still holds the decoder. Nothing else can be done with it after that."""
        del self.blocks, self._graphs

    def _read_history(self, token_ids: Sequence[int]) -> None:
        blocks = self.blocks
        self._reserve(blocks.history_length + len(token_ids), 0)
        attention = CausalAttention(blocks, self._rotation, len(token_ids), self._scale)
        ids = torch.tensor(token_ids, device=self._network.embedding.device)
        self._network.hidden(ids, attention)
        blocks.history_length += len(token_ids)

    def _forward(self, feeds: Mapping[int, Sequence[int]], *, sampled: bool) -> Tensor:
        blocks = self.blocks
        lengths = list(blocks.lengths)
        for block, token_ids in feeds.items():
            lengths[block] += len(token_ids)
        history = blocks.history_length
        self._reserve(max(history, 1), max(lengths))
        logits = self._pass(self._columns(feeds, lengths, sampled), history, max(lengths))
        blocks.lengths = lengths
        return logits

    def _pass(self, columns: Sequence[Sequence[int]], history: int, longest: int) -> Tensor:
        room = self.blocks.history.capacity, self.blocks.numbered.capacity
        if self._graphs is not None:
            # A graph for every length would be too many, and what lies behind it is skipped there.
            return self._graphs.run(columns, room)
        buckets = min(bucket(history), room[0]), min(bucket(longest), room[1])
        numbers = torch.tensor([number for column in columns for number in column])
        return self.run(Rows.of(numbers, [len(column) for column in columns]), buckets)

    def _reserve(self, history: int, longest: int) -> None:
        if self.blocks.reserve(history, longest) and self._graphs is not None:
            self._graphs.forget()

    def run(self, rows: Rows, buckets: tuple[int, int]) -> Tensor:
        """One pass over what is in tensors only: writes the rows into their blocks, and gives [sampled, vocabulary].

        Its shapes are those of its arguments and of the buckets, and it never waits for the device.
        """
        bearings = Bearings(self._sight, self._rotation, rows, self._scale)
        attention = self._attention(self.blocks, rows, bearings, buckets)
        hidden = self._network.hidden(rows.token_ids, attention)
        return self._network.logits(hidden[rows.sampled])

    def _columns(
        self, feeds: Mapping[int, Sequence[int]], lengths: Sequence[int], sampled: bool
    ) -> Sequence[Sequence[int]]:
        """The parts of `Rows`."""
        ids: list[int] = []
        owners: list[int] = []
        places: list[int] = []
        last: list[int] = []
        for block, token_ids in feeds.items():
            ids += token_ids
            owners += [block] * len(token_ids)
            places += range(lengths[block] - len(token_ids), lengths[block])
            last.append(len(ids) - 1)
        all_lengths = [self.blocks.history_length, *lengths]
        return ids, owners, places, all_lengths, last if sampled else []


def bucket(length: int) -> int:
    """The length rounded up by a quarter at most, so that there are few shapes.

    >>> [bucket(length) for length in (1, 33, 100, 4097)]
    [32, 40, 112, 5120]
    """
    step = max(8, 1 << max(length - 1, 0).bit_length() >> 3)
    return max(_LEAST_BUCKET, -(-length // step) * step)


def _attention_on(device: torch.device, head_dim: int) -> Attention:
    """In a few kernels on a GPU, if its halves fit those."""
    half = head_dim // 2
    if device.type != "cuda" or half < 16 or half & (half - 1):
        return SharedAttention
    # Triton comes with PyTorch for CUDA only.
    from .fused_attention import FusedAttention

    return FusedAttention


@contextmanager
def _in_memory(blocks: Blocks) -> Iterator[None]:
    try:
        # Graphs and Triton's kernels run on the current device, which is the first one for a thread that names none.
        with torch.inference_mode(), torch.cuda.device_of(blocks.numbered.keys):
            yield
    except torch.OutOfMemoryError as error:
        device = blocks.numbered.keys.device
        raise RequestRejected(
            f"a pass over {blocks.history_length + sum(blocks.lengths)} tokens does not fit into the memory of "
            f"{device}: use fewer workers, fewer tokens or a smaller model"
        ) from error
