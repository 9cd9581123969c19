"""Whether two answers are the same in the sense of mathematics."""

from __future__ import annotations

from .at_sight import equal_at_sight
from .mathematics import POOL, Equality, compared, equal
from .pool import Pool
from .rules import BOTH_WAYS, KNOWN_FIRST, Rules

__all__ = [
    "BOTH_WAYS",
    "KNOWN_FIRST",
    "POOL",
    "Equality",
    "Pool",
    "Rules",
    "compared",
    "equal",
    "equal_at_sight",
]
