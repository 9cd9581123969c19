"""How well each skill is mastered on fresh lessons, token by token after the right words: a first look at a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from .lessons import Source
from .model import AdaptedModel

# No step of training comes so far.
_FRESH = 10**9


def practised(model: AdaptedModel, source: Source) -> Iterator[tuple[str, float, float, int]]:
    """Of each skill: its name, the loss, the share of learned tokens that are the most likely ones, and how many."""
    with torch.no_grad():
        for name, share in source.shares:
            rows = replace(source, shares=((name, share),)).at(_FRESH)
            loss = model.loss(rows)
            yield name, float(loss.mean), float(loss.right), loss.tokens
