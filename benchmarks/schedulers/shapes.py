"""The graphs that are scheduled: for each node, the nodes before it that it needs. Every node does nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

Dependencies = list[tuple[int, ...]]

WIDTH = 100


def fan(size: int) -> Dependencies:
    """Nodes that need nothing."""
    return [()] * size


def chain(size: int) -> Dependencies:
    """Each node needs the one before."""
    return [(), *((number - 1,) for number in range(1, size))]


def layers(size: int) -> Dependencies:
    """Layers of 100; each node needs two nodes of the layer before, drawn at random."""
    source = random.Random(0)
    nodes: Dependencies = [()] * min(size, WIDTH)
    for number in range(WIDTH, size):
        first = (number // WIDTH - 1) * WIDTH
        nodes.append(tuple(sorted(source.sample(range(first, first + WIDTH), 2))))
    return nodes


def diamonds(size: int) -> Dependencies:
    """Diamonds of 4 nodes beside each other: one, two that need it, and one that needs both."""
    return [
        needs for top in range(0, size, 4) for needs in ((), (top,), (top,), (top + 1, top + 2))
    ]


SHAPES: dict[str, Callable[[int], Dependencies]] = {
    "fan": fan,
    "chain": chain,
    "layers": layers,
    "diamonds": diamonds,
}
