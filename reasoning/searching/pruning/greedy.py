"""A good choice without a solver, where there is no time for one. Pure.

    each cluster's bonus goes to one of its leaves ─> no leaf depends on another ─> the best choice, at once
              └──────────── to a kept one, or else to the one that is nearest <───────────┘

Both halves can only gain, so it ends. It is exact where every cluster has one leaf.
"""

from __future__ import annotations

from collections.abc import Sequence

from .closing import paying_nodes
from .problem import Problem

# What floats make of nothing.
_NOTHING = 1e-12


def greedily(problem: Problem, *, least: int) -> list[int]:
    """The numbers of the leaves to keep.

    Args:
        problem: With at least one leaf.
        least: How many leaves have to be kept, 0 or 1.
    """
    best: list[int] = []
    objective = -float("inf")
    kept: Sequence[int] = ()
    while True:
        kept = _chosen(problem, _takers(problem, kept))
        gained = problem.objective(kept) if kept else objective
        if not gained > objective + _NOTHING:
            break
        best, objective = list(kept), gained
    if best or not least:
        return best
    return [max(range(len(problem.leaves)), key=lambda number: problem.objective([number]))]


def _chosen(problem: Problem, takers: set[int]) -> list[int]:
    """The best choice, where takers have their cluster's bonus."""
    worths = [
        leaf.worth + (problem.bonus if number in takers else 0)
        for number, leaf in enumerate(problem.leaves)
    ]
    pays = paying_nodes(problem, worths)
    return [
        number
        for number, leaf in enumerate(problem.leaves)
        if worths[number] > 0 and pays[leaf.parent]
    ]


def _takers(problem: Problem, kept: Sequence[int]) -> set[int]:
    """A leaf of each cluster: a kept one where there is one, and of these the one that is worth the most."""
    paid = {0}
    for number in kept:
        node = problem.leaves[number].parent
        while node not in paid:
            paid.add(node)
            node = problem.parents[node]
    # What it costs to reach each node from those that are kept.
    ways = [0.0] * len(problem.parents)
    for node in range(1, len(ways)):
        if node not in paid:
            ways[node] = ways[problem.parents[node]] + problem.costs[node]
    are_kept = set(kept)
    takers: dict[int, tuple[bool, float, int]] = {}
    for number, leaf in enumerate(problem.leaves):
        if leaf.cluster is not None:
            bid = (number in are_kept, leaf.worth - ways[leaf.parent], -number)
            takers[leaf.cluster] = max(takers.get(leaf.cluster, bid), bid)
    return {-bid[2] for bid in takers.values()}
