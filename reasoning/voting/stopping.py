"""When enough samples have voted. Pure: the weights of the answers so far in, a decision out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class StoppingRule(Protocol):
    """Says whether the vote is decided."""

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether no more samples are needed.

        Args:
            votes: For each sample so far, in their order, the number of the answer that it voted for: equal answers
                have equal numbers, from 0 in the order in which they came; -1 for a sample without an answer.
            samples: How many samples there are at most.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Never:
    """All samples vote."""

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        """Whether all have."""
        return len(votes) >= samples
