"""Which leaves to keep, as a problem of numbers: what leaves are worth, what the nodes above them cost. Pure.

            0  cost          a kept leaf keeps all nodes above it
          ┌─┴─┐              a cluster is covered if one of its leaves is kept
        1 ┴   2 ┴ cost
        │ │   │ │
    worth and cluster of each leaf

It knows no texts, no scores, and not how it is solved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..tree import ROOT, Node, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A leaf that may be kept.

    Attributes:
        parent: The number of the node that it hangs from.
        worth: What it brings, less what it costs itself.
        cluster: Those that say the same have the same number; None where it has nothing to cover.
    """

    parent: int
    worth: float
    cluster: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Which leaves to keep, at least one.

    The best are those whose worth, less the costs of all nodes above them, plus a bonus for each covered cluster, is
    the most.

    Attributes:
        parents: The parent of each inner node, which comes before it; the first is the root, its own parent.
        costs: What it costs to keep each inner node, at least 0.
        leaves: In a fixed order.
        bonus: For each covered cluster, at least 0.
    """

    parents: Sequence[int]
    costs: Sequence[float]
    leaves: Sequence[Leaf]
    bonus: float = 0.0

    @property
    def paid(self) -> list[bool]:
        """Which nodes are kept for nothing: the root, since some leaf is kept, and what costs nothing beneath it."""
        paid = [cost == 0 for cost in self.costs]
        paid[0] = True
        for node in range(1, len(paid)):
            paid[node] &= paid[self.parents[node]]
        return paid

    def objective(self, kept: Collection[int]) -> float:
        """What is gained by keeping the leaves with these numbers."""
        nodes: set[int] = set()
        for number in kept:
            node = self.leaves[number].parent
            while node not in nodes:
                nodes.add(node)
                node = self.parents[node]
        clusters = {self.leaves[number].cluster for number in kept} - {None}
        worth = sum(self.leaves[number].worth for number in kept)
        return worth - sum(self.costs[node] for node in nodes) + self.bonus * len(clusters)


@dataclass(frozen=True, slots=True)
class Choice:
    """Leaves to keep.

    Attributes:
        kept: Their numbers, in order.
        reason: Why they may not be the best; empty where they are.
    """

    kept: tuple[int, ...]
    reason: str = ""


def problem_of(
    leaves: Sequence[Node],
    gains: Sequence[float],
    clusters: Sequence[int],
    shares: Mapping[Place, float],
    *,
    lambda_b: float,
    lambda_d: float,
) -> Problem:
    """The objective of ETS (Hooper et al. 2025, section 4.2).

    Args:
        leaves: None of them above another.
        gains: The share of each leaf in what REBASE gives to all.
        clusters: The cluster of each leaf, numbered from 0.
        shares: The share of each leaf, and of each node above one, in the cost of all.
        lambda_b: What the cost of all counts.
        lambda_d: What the coverage of all clusters counts.
    """
    inner = sorted(_above(leaves))
    numbers = {place: number for number, place in enumerate(inner)}
    return Problem(
        parents=[numbers[place[:-1]] for place in inner],
        costs=[lambda_b * shares[place] for place in inner],
        leaves=[
            Leaf(
                parent=numbers[leaf.parent],
                worth=gain - lambda_b * shares[leaf.place],
                cluster=cluster,
            )
            for leaf, gain, cluster in zip(leaves, gains, clusters, strict=True)
        ],
        bonus=lambda_d / len(set(clusters)),
    )


def equal_shares(leaves: Sequence[Node]) -> dict[Place, float]:
    """Every node costs the same, the root too: the paper's cost."""
    places = _above(leaves) | {leaf.place for leaf in leaves}
    return dict.fromkeys(places, 1 / len(places))


def block_shares(
    leaves: Sequence[Node], tree: Mapping[Place, Node], block_size: int
) -> dict[Place, float]:
    """Nodes cost the blocks of KV cache that are kept alive for them.

    What all share, the root, is free, and taken to end with a full block: how long it is, a tree does not tell.

    A block is shared where it is full. So one that a step ends in belongs to each of those that go on from there, and
    to the step itself where it is a leaf:

        │1111│11     two blocks for a leaf of 6 tokens, in blocks of 4
        │1111│1122│2    one for it and two for a leaf that goes on from it

    Args:
        leaves: None of them above another.
        tree: All nodes above them.
        block_size: Tokens in a block.
    """
    ends: dict[Place, int] = {ROOT: 0}
    blocks: dict[Place, int] = {ROOT: 0}
    # Parents come before their children.
    inner = sorted(_above(leaves))[1:]
    for place in (*inner, *(leaf.place for leaf in leaves)):
        begin = ends[place[:-1]]
        ends[place] = begin + tree[place].tokens
        blocks[place] = ends[place] // block_size - begin // block_size
    for leaf in leaves:
        blocks[leaf.place] += ends[leaf.place] % block_size > 0
    total = sum(blocks.values()) or 1
    return {place: count / total for place, count in blocks.items()}


def _above(leaves: Sequence[Node]) -> set[Place]:
    """The places above leaves, each looked at once: up to where another leaf has been."""
    above: set[Place] = set()
    for leaf in leaves:
        place = leaf.parent
        while place not in above:
            above.add(place)
            place = place[:-1]
    return above
