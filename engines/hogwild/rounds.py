"""Some rounds of a call at once, and what they say as one chunk. Pure.

A call is driven round by round by whoever has a thread for it; between two hands of rounds others have their turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

from ..completion import Chunk, Draft, joined


class Writing(Protocol):
    """What one call generates. Its cache lives as long as it does."""

    def advance(self) -> Chunk | None:
        """Does one round: its chunk, the last of which has a finish reason; None while the prompt is being read."""


def advance(writing: Writing, rounds: int) -> Chunk | None:
    """Does up to so many rounds: until the end, and not beyond a piece of the prompt, which may take long itself."""
    chunks: list[Chunk] = []
    while len(chunks) < rounds:
        chunk = writing.advance()
        if chunk is None:
            return None
        chunks.append(chunk)
        if chunk.finish_reason is not None:
            break
    return combined(chunks)


def combined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one call that follow each other as one, with a draft for each worker that wrote."""
    if len(chunks) == 1:
        return chunks[0]
    drafts = _one_each(chain.from_iterable(chunk.drafts for chunk in chunks))
    return replace(joined(chunks), drafts=drafts)


def _one_each(drafts: Iterable[Draft]) -> tuple[Draft, ...]:
    """What each worker wrote, in the order of the workers."""
    by_worker: dict[int, list[Draft]] = {}
    for draft in drafts:
        by_worker.setdefault(draft.worker, []).append(draft)
    return tuple(
        Draft(
            worker,
            "".join(draft.text for draft in written),
            tuple(chain.from_iterable(draft.token_ids for draft in written)),
        )
        for worker, written in sorted(by_worker.items())
    )
