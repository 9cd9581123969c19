"""Hands a problem to HiGHS, through SciPy: first without asking for whole numbers, which mostly come of themselves.

    columns    nodes that have to be paid, leaves, clusters: each from 0 to 1
    rows       node <= its parent      leaf <= its parent      cluster <= the sum of its leaves

It is the program of the paper, except that each node is linked to its parent alone, where the paper links each leaf to
all nodes above it, and that only leaves have to be whole: nodes and clusters are where leaves are.

It blocks.
"""

from __future__ import annotations

import time
from typing import Any

from .problem import Choice, Problem

# HiGHS stops within 1e-6 of the optimum, in whatever unit.
_LARGEST_COEFFICIENT = 1e4
_WHOLE = 1e-6


def load_solver() -> None:
    """Imports SciPy, which takes most of a second the first time. No limit of a search is meant for that."""
    import scipy.optimize  # noqa: F401  # for `_Program.solve`, with all that it needs


def optimum(problem: Problem, seconds: float, *, least: int) -> Choice:
    """The best leaves to keep; none, and the reason, where HiGHS does not find them.

    Args:
        problem: With at least one leaf.
        seconds: How long it may take.
        least: How many leaves have to be kept.
    """
    end = time.monotonic() + seconds
    program = _Program(problem, least)
    for whole in (False, True):
        left = end - time.monotonic()
        if left <= 0:
            break
        found = program.solve(left, whole)
        if found.status == 0 and program.is_whole(found.x):
            return Choice(program.kept(found.x))
        if found.status > 1:
            return Choice((), f"HiGHS said: {found.message}")
    return Choice((), "no optimum was found within the time limit")


class _Program:
    """The columns and rows."""

    def __init__(self, problem: Problem, least: int) -> None:
        self._problem = problem
        self._costs: list[float] = []
        self._entries: list[tuple[int, int, float]] = []
        self._bounds: list[float] = []
        columns = self._nodes()
        self._first = len(self._costs)
        leaves_of: dict[int, list[int]] = {}
        for leaf in problem.leaves:
            column = self._column(-leaf.worth)
            if leaf.parent in columns:
                self._at_most([column], [columns[leaf.parent]])
            if leaf.cluster is not None:
                leaves_of.setdefault(leaf.cluster, []).append(column)
        self._end = len(self._costs)
        for cluster in leaves_of.values():
            self._at_most([self._column(-problem.bonus)], cluster)
        if least:
            self._at_most([], range(self._first, self._end), -float(least))

    def solve(self, seconds: float, whole: bool) -> Any:
        """What SciPy says."""
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csc_array

        rows, columns, values = zip(*self._entries, strict=True) if self._entries else ((), (), ())
        shape = (len(self._bounds), len(self._costs))
        matrix = csc_array((values, (rows, columns)), shape=shape, dtype=float)
        costs = np.array(self._costs)
        whole_columns = np.zeros(len(costs))
        whole_columns[self._first : self._end] = whole
        return milp(
            costs * (_LARGEST_COEFFICIENT / max(abs(costs).max(), 1e-300)),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, ub=self._bounds) if self._bounds else None,
            integrality=whole_columns,
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )

    def is_whole(self, values: Any) -> bool:
        """Whether each leaf is kept or left, and none half."""
        leaves = values[self._first : self._end]
        return bool(abs(leaves - leaves.round()).max() <= _WHOLE)

    def kept(self, values: Any) -> tuple[int, ...]:
        """The numbers of the leaves that are kept."""
        leaves = values[self._first : self._end]
        return tuple(number for number, value in enumerate(leaves) if value > 0.5)

    def _nodes(self) -> dict[int, int]:
        """Columns of the nodes above leaves that have to be paid, with a row to each one's parent."""
        paid, parents = self._problem.paid, self._problem.parents
        columns: dict[int, int] = {}
        for leaf in self._problem.leaves:
            node = leaf.parent
            while not paid[node] and node not in columns:
                columns[node] = self._column(self._problem.costs[node])
                node = parents[node]
        for node, column in columns.items():
            if parents[node] in columns:
                self._at_most([column], [columns[parents[node]]])
        return columns

    def _column(self, cost: float) -> int:
        self._costs.append(cost)
        return len(self._costs) - 1

    def _at_most(self, less: Any, more: Any, bound: float = 0.0) -> None:
        """A row: the sum of some columns is at most that of others."""
        row = len(self._bounds)
        self._entries += [(row, column, 1.0) for column in less]
        self._entries += [(row, column, -1.0) for column in more]
        self._bounds.append(bound)
