"""What is asked of a comparison beyond the two answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How two answers are compared. The first is the known one, unless neither is.

    Attributes:
        symmetric: Whether neither is the known one, so that equality one way round is enough.
        decimals: To how many places two numbers are rounded of which one is a decimal: 0.333333 is 1/3.
        strict: Whether names of variables matter, and sets are no tuples.
        relations: Whether a set may also be answered as a relation, such as 1 < x < 2 for (1, 2). The other way round
            it always may.
        tolerance: How far a number may be from the known one.
        relative: The same, as a part of the known one.
    """

    symmetric: bool = False
    decimals: int = 6
    strict: bool = True
    relations: bool = False
    tolerance: float = 0.0
    relative: float = 0.0


KNOWN_FIRST = Rules()
BOTH_WAYS = Rules(symmetric=True)
