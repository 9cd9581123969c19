"""ETS's program as its reference solves it: PuLP writes it into a file, CBC reads that. A peer of search_step.py.

Asked with a problem a line, as JSON; answers with the seconds of processor time and the objective. All variables are
binary, and each leaf is linked to every node above it.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import pulp  # type: ignore[import-not-found]  # not in ours


def main() -> None:
    for line in sys.stdin:
        begun = _processor_seconds()
        objective = solve(**json.loads(line))
        print(json.dumps([_processor_seconds() - begun, objective]), flush=True)


def solve(
    parents: list[int], costs: list[float], leaves: list[tuple[int, float, int]], bonus: float
) -> float:
    """The objective of the best choice; leaves are the node above, the worth and the cluster of each."""
    problem: Any = pulp.LpProblem("ets", pulp.LpMaximize)
    x = [pulp.LpVariable(f"x{i}", cat="Binary") for i in range(len(leaves))]
    y = [pulp.LpVariable(f"y{j}", cat="Binary") for j in range(len(parents))]
    c = [pulp.LpVariable(f"c{k}", cat="Binary") for k in range(1 + max(k for _, _, k in leaves))]
    problem += (
        pulp.lpSum(worth * x[i] for i, (_, worth, _) in enumerate(leaves))
        - pulp.lpSum(cost * y[j] for j, cost in enumerate(costs))
        + pulp.lpSum(bonus * covered for covered in c)
    )
    under: list[list[int]] = [[] for _ in parents]
    for i, (node, _, _) in enumerate(leaves):
        while True:
            under[node].append(i)
            problem += y[node] >= x[i]
            if node == 0:
                break
            node = parents[node]
    for j, below in enumerate(under):
        problem += y[j] <= pulp.lpSum(x[i] for i in below)
    for k, covered in enumerate(c):
        problem += covered <= pulp.lpSum(x[i] for i, (_, _, own) in enumerate(leaves) if own == k)
    problem += pulp.lpSum(x) >= 1
    problem.solve(pulp.PULP_CBC_CMD(msg=False))
    return float(pulp.value(problem.objective))


def _processor_seconds() -> float:
    """Of this process and of those that it waited for: CBC is a program of its own."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
