"""Which blocks of the cache a worker sees, and in what order (Rodionov et al. 2025, section 3.2). Pure.

Every view begins with the common history, which has no number. Then come numbered blocks: one for each worker, in their
order, and two that hold what stands before the others' steps and before one's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..collaboration import Layout

MARKS = 2
"""The blocks beside the workers': of what stands before the others' steps, and before one's own."""


@dataclass(frozen=True, slots=True)
class Views:
    """The blocks of a session.

    Attributes:
        of: For each block, the blocks that are seen from it after the history, in their order; the last is itself.
        others: The block of what stands before the others' steps.
        own: The block of what stands before one's own.
        moves_steps: Whether a step that is finished moves to the end of the history.
    """

    of: Sequence[Sequence[int]]
    others: int
    own: int
    moves_steps: bool


def views(layout: Layout, workers: int) -> Views:
    """The views of so many workers; of one worker, and where steps are private, without what stands before others'.

    >>> views("combined", 3).of
    ((3, 1, 2, 4, 0), (3, 0, 2, 4, 1), (3, 0, 1, 4, 2), (3,), (3, 4))
    >>> views("interleaved", 2).of
    ((0,), (1,), (2,), (3,))
    """
    others, own = workers, workers + 1
    alone = layout == "interleaved" or workers == 1
    seen: list[tuple[int, ...]] = []
    for worker in range(workers):
        rest = tuple(other for other in range(workers) if other != worker)
        seen.append((worker,) if alone else (others, *rest, own, worker))
    marks = ((others,), (own,)) if alone else ((others,), (others, own))
    return Views((*seen, *marks), others, own, moves_steps=moves_steps(layout))


def moves_steps(layout: Layout) -> bool:
    """Whether a step that is finished moves to the end of the history."""
    return layout != "contiguous"
