"""How well each skill is mastered on fresh lessons, token by token after the right words: a first look at a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .lessons import Source
from .model import AdaptedModel
from .training_record import Practised

# No step of training comes so far.
_FRESH = 10**9


def practised(model: AdaptedModel, source: Source) -> Iterator[Practised]:
    """How each skill of a source goes, on rows of lessons of this skill alone."""
    for name, share in source.shares:
        rows = replace(source, shares=((name, share),)).at(_FRESH)
        # With gradients that nobody asks for: without them, layers would be compiled anew.
        loss = model.loss(rows)
        mean, right = (float(number.detach()) for number in (loss.mean, loss.right))
        yield Practised(skill=name, loss=mean, right=right, tokens=loss.tokens)
