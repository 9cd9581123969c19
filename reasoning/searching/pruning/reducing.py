"""Decides what can be decided at sight, so that the solver gets only what is hard. Exact. Pure.

    worth beneath a node exceeds its cost, bonuses of open clusters left out         ─> it is kept
    it does not even if every leaf had the whole bonus of its cluster                ─> it is left
    another of the same cluster is worth as much, and keeps no node that this doesn't ─> it is left
    a cluster has one leaf left                                                      ─> the bonus is that leaf's

The first two hold since bonuses only ever add to a set of leaves, and add less the larger it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .closing import paying_nodes
from .problem import Leaf, Problem

# Most need three. A chain of clusters could take one for each link, as long as the square of its length.
_MOST_ROUNDS = 20


class Reduction:
    """What is decided of a problem, some leaf of which pays, and what is not.

    Args:
        problem: What there is to decide.

    Attributes:
        kept: Leaves that are kept.
        open: Leaves that are neither kept nor left.
        rest: The problem of the open ones: what kept ones keep costs nothing any more.
    """

    def __init__(self, problem: Problem) -> None:
        self.kept: list[int] = []
        self.open = list(range(len(problem.leaves)))
        self.rest = problem
        for _ in range(_MOST_ROUNDS):
            before = len(self.open)
            self._leave_dominated()
            self._give_bonuses()
            self._keep_sure()
            self._leave_hopeless()
            if before == len(self.open):
                break

    def _leave_dominated(self) -> None:
        """Of leaves that cost a bonus, a cluster needs one from each node, and from all paid nodes together one."""
        paid = self.rest.paid
        best: dict[tuple[int | None, int], tuple[float, int]] = {}
        for number, leaf in enumerate(self.rest.leaves):
            node = 0 if paid[leaf.parent] else leaf.parent
            known = best.get((leaf.cluster, node))
            if known is None or leaf.worth > known[0]:
                best[leaf.cluster, node] = (leaf.worth, number)

        def dominated(number: int, leaf: Leaf) -> bool:
            if leaf.worth > 0:
                return False
            if leaf.cluster is None or leaf.worth + self.rest.bonus <= 0:
                return True
            node = 0 if paid[leaf.parent] else leaf.parent
            if best[leaf.cluster, node][1] != number:
                return True
            elsewhere = best.get((leaf.cluster, 0))
            return elsewhere is not None and node != 0 and elsewhere[0] >= leaf.worth

        self._leave([dominated(number, leaf) for number, leaf in enumerate(self.rest.leaves)])

    def _give_bonuses(self) -> None:
        """A cluster with one leaf is that leaf's own."""
        counts: dict[int | None, int] = {}
        for leaf in self.rest.leaves:
            counts[leaf.cluster] = counts.get(leaf.cluster, 0) + 1
        self._change(
            [
                Leaf(parent=leaf.parent, worth=leaf.worth + self.rest.bonus)
                if leaf.cluster is not None and counts[leaf.cluster] == 1
                else leaf
                for leaf in self.rest.leaves
            ]
        )

    def _keep_sure(self) -> None:
        leaves = self.rest.leaves
        pays = paying_nodes(self.rest, [leaf.worth for leaf in leaves])
        sure = [leaf.worth > 0 and pays[leaf.parent] for leaf in leaves]
        covered = {leaf.cluster for leaf, is_sure in zip(leaves, sure, strict=True) if is_sure}
        self.kept += [number for number, is_sure in zip(self.open, sure, strict=True) if is_sure]
        self._change(
            [
                Leaf(parent=leaf.parent, worth=leaf.worth) if leaf.cluster in covered else leaf
                for leaf in leaves
            ]
        )
        self._pay(pays)
        self._leave(sure)

    def _leave_hopeless(self) -> None:
        leaves = self.rest.leaves
        most = [
            leaf.worth + (self.rest.bonus if leaf.cluster is not None else 0) for leaf in leaves
        ]
        pays = paying_nodes(self.rest, most)
        self._leave(
            [worth <= 0 or not pays[leaf.parent] for leaf, worth in zip(leaves, most, strict=True)]
        )

    def _leave(self, gone: Sequence[bool]) -> None:
        self.open = [number for number, left in zip(self.open, gone, strict=True) if not left]
        self._change([leaf for leaf, left in zip(self.rest.leaves, gone, strict=True) if not left])

    def _change(self, leaves: Sequence[Leaf]) -> None:
        self.rest = replace(self.rest, leaves=leaves)

    def _pay(self, nodes: Sequence[bool]) -> None:
        costs = [0.0 if paid else cost for paid, cost in zip(nodes, self.rest.costs, strict=True)]
        self.rest = replace(self.rest, costs=costs)
