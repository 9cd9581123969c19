"""Passes as CUDA graphs: a small model spends most of a pass on telling the device what to do next.

    rows ─> padded to a bucket ─> one copy into the graph's own tensor ─> replay ─> logits

A graph is captured for each number of rows when it comes the second time, since capturing takes as long as some passes.
It belongs to the tensors of one session, and is forgotten when these grow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .attention import Rows

Pass = Callable[[Rows, tuple[int, int]], Tensor]
"""Runs rows with buckets of history and blocks, as `TorchDecoder.run`."""

_MOST_ROWS = 64
_ROW_STEP = 16


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    numbers: Tensor
    logits: Tensor


class CudaGraphs:
    """Runs passes, those of shapes that come again as graphs. For one thread at a time.

    Args:
        run: Runs a pass over tensors that stay where they are until `forget`.
        device: Where.
    """

    def __init__(self, run: Pass, device: torch.device) -> None:
        self._run = run
        self._device = device
        self._captured: dict[tuple[int, ...], _Captured] = {}
        self._seen: set[tuple[int, ...]] = set()
        self._pool = torch.cuda.graph_pool_handle()

    def forget(self) -> None:
        """Forgets all graphs: the tensors that they read and write are others now."""
        self._captured.clear()
        self._seen.clear()
        # The memory that they shared went with the last of them.
        self._pool = torch.cuda.graph_pool_handle()

    def run(self, columns: Sequence[Sequence[int]], buckets: tuple[int, int]) -> Tensor:
        """One pass.

        Args:
            columns: The parts of `Rows`.
            buckets: Of the history and of each block.

        Returns:
            Its logits, [sampled, vocabulary], which the next pass overwrites.
        """
        columns = _padded(columns)
        sizes = [len(column) for column in columns]
        numbers = torch.tensor([number for column in columns for number in column]).pin_memory()
        shape = (*sizes, *buckets)
        captured = self._captured.get(shape)
        if captured is None:
            on_device = numbers.to(self._device)
            if sizes[0] > _MOST_ROWS or shape not in self._seen:
                self._seen.add(shape)
                return self._run(Rows.of(on_device, sizes), buckets)
            captured = self._captured[shape] = self._capture(on_device, sizes, buckets)
        captured.numbers.copy_(numbers, non_blocking=True)
        captured.graph.replay()
        return captured.logits

    def _capture(
        self, numbers: Tensor, sizes: Sequence[int], buckets: tuple[int, int]
    ) -> _Captured:
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            logits = self._run(Rows.of(numbers, sizes), buckets)
        return _Captured(graph, numbers, logits)


def _padded(columns: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """The first row some more times, up to a bucket: it writes the same thing to the same place again."""
    ids, blocks, places, *rest = columns
    missing = -len(ids) % _ROW_STEP if _MOST_ROWS >= len(ids) > len(rest[-1]) else 0
    longer = ([*part, *[part[0]] * missing] for part in (ids, blocks, places))
    return (*longer, *rest)
