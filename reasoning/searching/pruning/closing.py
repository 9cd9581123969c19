"""What to keep of a tree where no leaf's worth depends on other leaves: exact, and in one pass up the tree. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .problem import Problem


def paying_nodes(problem: Problem, worths: Sequence[float]) -> list[bool]:
    """Which nodes pay: those that hold more worth beneath them than it costs to keep them, and all above them do too.

    Where the worth of a leaf does not depend on others, it is best to keep these, and of their leaves all that are
    worth anything. The root always pays, since some leaf is kept.

    Args:
        problem: Says what hangs where, and what nodes cost.
        worths: What each leaf is worth.
    """
    parents = problem.parents
    values = [-cost for cost in problem.costs]
    for leaf, worth in zip(problem.leaves, worths, strict=True):
        if worth > 0:
            values[leaf.parent] += worth
    for node in range(len(values) - 1, 0, -1):
        if values[node] > 0:
            values[parents[node]] += values[node]
    paying = [value > 0 for value in values]
    paying[0] = True
    for node in range(1, len(paying)):
        paying[node] &= paying[parents[node]]
    return paying
