"""What a choice of ETS costs, beside the reference's way to solve it: python -m benchmarks.search_step

Trees are grown by ETS itself from random scores, over steps that say one of a few things in one of a few ways, with a
third as many clusters as leaves, as in recorded samples. Figures are milliseconds of processor time, since others may
use the same cores; each is of one choice, and the median and the most of several trees are told. The reference (PuLP
with CBC, in an environment of its own) solves the same programs in the same run, between ours.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

import anyio

from benchmarks.peer_environment import ROOT, peers_python
from benchmarks.report import load, machine, table
from reasoning.searching.pruning.clustering import clusters_of
from reasoning.searching.pruning.problem import Problem, equal_shares, problem_of
from reasoning.searching.pruning.solving import solved
from reasoning.searching.rules.ets import Ets
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.tree import ROOT as START
from reasoning.searching.tree import Frontier, Node, Place

T = TypeVar("T")

WIDTHS = (16, 64, 256, 1024)
# Choices at these depths of so many searches.
DEPTHS = (2, 4, 8)
SEARCHES = 5
RULE = Ets(lambda_d=1.4, time_limit=60)
GOAL = (256, 15.0)
WORDS = [f"{a}{b}{c}" for a in "bdgklmnprst" for b in ("a", "e", "io", "u") for c in "lmnrst"]


def frontiers(width: int, seed: int) -> Iterator[Frontier]:
    """What ETS is asked in one search, without its first two waves."""
    chance = random.Random(seed)
    steps = [" ".join(chance.choices(WORDS, k=40)) for _ in range(max(2, width // 3))]
    tree = {START: Node(place=START, score=0.5)}
    children = {START: width}
    for depth in range(1, max(DEPTHS) + 1):
        leaves = list(_grown(tree, children, steps, chance))
        tree |= {leaf.place: leaf for leaf in leaves}
        texts = [leaf.text for leaf in leaves]
        frontier = Frontier(leaves, tree, anyio.run(RULE.embedder.embed, texts))
        if depth in DEPTHS:
            yield Frontier(leaves, dict(tree), frontier.vectors)
        children = dict(RULE.select(frontier, width).children)


def _grown(
    tree: dict[Place, Node], children: dict[Place, int], steps: list[str], chance: random.Random
) -> Iterator[Node]:
    for parent, count in sorted(children.items()):
        for number in range(count):
            said = chance.choice(steps)
            score = tree[parent].score + chance.gauss(0, 0.15)
            yield Node(
                place=(*parent, number),
                # In one of three ways, which one word tells apart.
                text=f"{chance.choice(('so', 'now', 'then'))} {said}",
                tokens=chance.randint(20, 200),
                score=min(1.0, max(0.0, score)),
            )


class Reference:
    """The process that solves programs as the reference does."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.pruners.pulp_cbc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=dict(os.environ),
        )

    def solve(self, problem: Problem) -> tuple[float, float]:
        """Milliseconds, and the objective."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        leaves = [(leaf.parent, leaf.worth, leaf.cluster) for leaf in problem.leaves]
        asked = {
            "parents": problem.parents,
            "costs": problem.costs,
            "leaves": leaves,
            "bonus": problem.bonus,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        seconds, objective = json.loads(self._process.stdout.readline())
        return 1000 * seconds, objective

    def close(self) -> None:
        self._process.communicate()


def program(frontier: Frontier, width: int, clusters: Sequence[int]) -> Problem:
    """As the rule makes it."""
    leaves, given = frontier.leaves, Rebase().select(frontier, width).children
    gains = [given.get(leaf.place, 0) / width for leaf in leaves]
    weights = {"lambda_b": RULE.lambda_b, "lambda_d": RULE.lambda_d}
    return problem_of(leaves, gains, clusters, equal_shares(leaves), **weights)


def timed(function: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds, and what came of it."""
    begun = time.process_time()
    result = function()
    return 1000 * (time.process_time() - begun), result


def measure(width: int, reference: Reference | None) -> tuple[list[str], float]:
    figures: dict[str, list[float]] = {}

    def note(name: str, figure: float) -> None:
        figures.setdefault(name, []).append(figure)

    for seed in range(SEARCHES):
        for frontier in frontiers(width, seed):
            texts = [leaf.text for leaf in frontier.leaves]
            embed = RULE.embedder.embed
            note("embedding", timed(lambda: anyio.run(embed, texts))[0])  # noqa: B023  # called at once
            clustering, clusters = timed(
                lambda: clusters_of(texts, frontier.vectors, RULE.threshold)  # noqa: B023
            )
            note("clustering", clustering)
            note("clusters", len(set(clusters)))
            problem = program(frontier, width, clusters)
            solving, choice = timed(lambda: solved(problem, RULE.time_limit))  # noqa: B023
            note("nodes", len(problem.parents) + width)
            note("solving", solving)
            note("choice", timed(lambda: RULE.select(frontier, width))[0])  # noqa: B023
            if reference is not None:
                milliseconds, objective = reference.solve(problem)
                note("reference", milliseconds)
                note("gap", objective - problem.objective(choice.kept))
    row = [f"{width}", f"{median(figures['nodes']):.0f}", f"{median(figures['clusters']):.0f}"]
    row += [
        f"{median(figures[name]):.1f} / {max(figures[name]):.1f}" if name in figures else "-"
        for name in ("embedding", "clustering", "solving", "reference", "choice")
    ]
    row.append(f"{max(map(abs, figures['gap'])):.0e}" if "gap" in figures else "-")
    return row, median(figures["choice"])


def main() -> None:
    print(f"{machine()}\n")
    # NumPy's threads wait for each other in a loop, which is processor time where others have the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    python = peers_python()
    reference = Reference(python) if python is not None else None
    # Importing SciPy, which is once in a process, is not the choice's.
    measure(WIDTHS[0], None)
    try:
        measured = {width: measure(width, reference) for width in WIDTHS}
    finally:
        if reference is not None:
            reference.close()
    headers = ["leaves", "nodes", "clusters", "hashed n-grams", "clustering", "solving"]
    headers += ["PuLP, CBC", "whole choice", "difference of objectives"]
    print(f"{table(headers, [row for row, _ in measured.values()])}\n")
    width, most = GOAL
    milliseconds = measured[width][1]
    met = "met" if milliseconds <= most else "missed"
    print(f"goal {met}: {milliseconds:.1f} ms at {width} leaves (median), at most {most:g}")
    print(f"load at the end: {load()}")


if __name__ == "__main__":
    main()
