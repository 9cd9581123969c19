"""The interface of selection rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..tree import Frontier, Place


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which nodes grow.

    Attributes:
        children: How many children each gets, at least 1; what is not named gets none.
        remark: What a reader should know of how it came about; empty if nothing.
    """

    children: Mapping[Place, int] = field(default_factory=dict)
    remark: str = ""

    @property
    def total(self) -> int:
        """Children in all."""
        return sum(self.children.values())


class SelectionRule(Protocol):
    """Says which nodes of a search grow, and how much.

    It is a pure function: the same frontier gives the same allocation, in whatever order the leaves came to be. What
    it draws at random follows from a seed and the frontier. Scores may be infinite or all the same.

    One that compares what steps say has an attribute `embedder` (`reasoning.searching.embedding.embedder`): then the
    frontier has vectors, and it is asked in a worker thread.
    """

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Shares children out.

        Args:
            frontier: What there is to choose from; the first has one leaf, the root.
            width: The most children in all, at least 1.
        """
        ...
