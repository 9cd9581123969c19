"""The tree of a search, as rules see it: places, scores and texts. Pure.

    ()                    the root: the question
    ├── (0,)              its first child
    │   ├── (0, 0)
    │   └── (0, 1)
    └── (1,)

It knows no contexts and no engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Place = tuple[int, ...]
"""The numbers of the children from the root; `()` is the root."""

State = Literal["open", "answered", "exhausted", "failed"]

ROOT: Place = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step of thought, and by its place the steps before it.

    Attributes:
        place: Where it stands.
        text: What the step says; empty at the root.
        tokens: How long the step is; 0 at the root, which all share.
        score: How good the thought is up to here; higher is better, never NaN. Minus infinity where it is not known.
        state: `open` can go on; `answered` came to its end; `exhausted` is as deep or as long as allowed, or was
            cut; `failed` has no step.
    """

    place: Place
    text: str = ""
    tokens: int = 0
    score: float = 0.0
    state: State = "open"

    @property
    def depth(self) -> int:
        """Steps from the root."""
        return len(self.place)

    @property
    def parent(self) -> Place:
        """The place of its parent; the root is its own."""
        return self.place[:-1]

    @property
    def lineage(self) -> tuple[Place, ...]:
        """Places from the root to here, this one included."""
        return tuple(self.place[:depth] for depth in range(len(self.place) + 1))


@dataclass(frozen=True)
class Frontier:
    """What a rule chooses from.

    Attributes:
        leaves: The open nodes that were scored and have not been chosen from before, in the order of their places.
            There are none where all that were scored have come to an end while others still run.
        tree: All nodes so far, also those that were passed over, answered or failed.
        vectors: What the texts of the leaves mean, a row each of length 1; None where the rule has no `embedder`,
            where there is no more than one leaf, and where the embedder failed.
        in_flight: Where steps are being taken, which are in no wave yet; none in barrier mode.
    """

    leaves: Sequence[Node]
    tree: Mapping[Place, Node]
    vectors: np.ndarray | None = None
    in_flight: Sequence[Place] = ()

    @cached_property
    def children(self) -> Mapping[Place, Sequence[Node]]:
        """The children of each node that has some, in the order of their numbers."""
        found: dict[Place, list[Node]] = {}
        for place in sorted(self.tree):
            if place:
                found.setdefault(place[:-1], []).append(self.tree[place])
        return found
