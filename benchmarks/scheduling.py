"""What a scheduler costs a node that does nothing, side by side with peers: python -m benchmarks.scheduling

Each scheduler runs in a process of its own. The rounds are interleaved, each figure is the median of its rounds, and
costs are processor time, since others may use the same cores. What can be done beforehand is not counted: making
nodes, and drawing and compiling graphs. Ours runs with events on. How each runs a shape: benchmarks/schedulers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peer_environment import ROOT, peers_python
from benchmarks.report import load, machine, table

ROUNDS = 5
SHAPES = {"fan": 10_000, "chain": 1_000, "layers": 10_000, "diamonds": 10_000}
GROWTH = (100, 1_000, 10_000, 100_000)

OURS = "forkjoin"
MODULES = {
    OURS: "forkjoin_executor",
    "forkjoin, critical path first": "forkjoin_critical_path",
    "asyncio": "asyncio_tasks",
    "anyio": "anyio_tasks",
    "LangGraph": "langgraph_graph",
    "pydantic-graph": "pydantic_graph_graph",
}
PEERS = ("LangGraph", "pydantic-graph")


class Scheduler:
    """A process that measures one scheduler."""

    def __init__(self, name: str, python: Path | str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.schedulers.serve", MODULES[name]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "LANGSMITH_TRACING": "false"},
        )

    def ask(self, *request: Any) -> float:
        """One figure, see `serve.py`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended with {self._process.wait()} at {request}")
        figure: float = json.loads(answer)
        return figure

    def close(self) -> None:
        self._process.communicate()


def open_schedulers() -> list[Scheduler]:
    peers = peers_python()
    pythons = {name: sys.executable if name not in PEERS else peers for name in MODULES}
    return [Scheduler(name, python) for name, python in pythons.items() if python is not None]


def costs(schedulers: Sequence[Scheduler]) -> str:
    figures: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for shape, size in SHAPES.items():
            for scheduler in schedulers:
                figure = scheduler.ask("time", shape, size)
                figures.setdefault((scheduler.name, shape), []).append(figure)
    rows = [
        [scheduler.name]
        + [f"{statistics.median(figures[scheduler.name, shape]):.1f}" for shape in SHAPES]
        + [f"{scheduler.ask('memory', 'layers', SHAPES['layers']) / 1000:.2f}"]
        for scheduler in schedulers
    ]
    headers = [f"{shape} of {size:,}" for shape, size in SHAPES.items()]
    return table(["µs a node", *headers, "peak kB a node (layers)"], rows)


def growth(scheduler: Scheduler) -> str:
    rows = []
    for shape in ("fan", "layers"):
        costs: dict[int, list[float]] = {size: [] for size in GROWTH}
        for _ in range(ROUNDS):
            for size in GROWTH:
                costs[size].append(scheduler.ask("time", shape, size))
        rows.append([f"{shape}, µs", *(f"{statistics.median(costs[size]):.1f}" for size in GROWTH)])
        memory = [scheduler.ask("memory", shape, size) / 1000 for size in GROWTH]
        rows.append([f"{shape}, peak kB", *(f"{figure:.2f}" for figure in memory)])
    return table([f"{scheduler.name}, a node", *(f"{size:,}" for size in GROWTH)], rows)


def barriers(schedulers: Sequence[Scheduler]) -> str:
    figures: dict[str, list[float]] = {scheduler.name: [] for scheduler in schedulers}
    for _ in range(ROUNDS):
        for scheduler in schedulers:
            figures[scheduler.name].append(scheduler.ask("barrier"))
    rows = [[name, f"{statistics.median(seconds):.3f}"] for name, seconds in figures.items()]
    return table(["successor of a 0.1 s branch beside a 1.0 s sibling", "begins after s"], rows)


def main() -> None:
    print(f"{machine()}\n")
    schedulers = open_schedulers()
    try:
        print(f"{barriers(schedulers)}\n", flush=True)
        print(f"{costs(schedulers)}\n", flush=True)
        print(f"{growth(schedulers[0])}\n\nload at the end: {load()}")
    finally:
        for scheduler in schedulers:
            scheduler.close()


if __name__ == "__main__":
    main()
