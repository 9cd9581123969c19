"""Seeing the parts of a call that its caller reads whole: streamed inside, merged outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from ..completion import Chunk, as_whole
from ..delivery import Delivery

# A part costs the engine and its client about the same however long it is; no wrapper needs them finer.
COARSE_INTERVAL = 16


def in_parts(delivery: Delivery, interval: int = COARSE_INTERVAL) -> Delivery:
    """How to ask the engine inside, where a wrapper has to see parts: in such ones if the caller wants none."""
    if not delivery.whole:
        return delivery
    return replace(delivery, whole=False, interval=max(delivery.interval, interval))


def as_asked(chunks: AsyncGenerator[Chunk], delivery: Delivery) -> AsyncGenerator[Chunk]:
    """The parts as the caller asked for them."""
    return as_whole(chunks) if delivery.whole else chunks
