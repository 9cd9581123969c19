"""pydantic-graph: a graph of the builder API.

Fans and diamonds are mapped. A join there closes one fork, so that a node cannot wait for two others at will: a layer
is mapped and joined as a whole, which is less to do than the random edges of the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from pydantic_graph import (  # type: ignore[import-not-found]  # not in ours
    GraphBuilder,
    reduce_null,
)

from benchmarks.schedulers.shapes import WIDTH


class _Count:
    nodes = 0


def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
    count = _Count()

    async def node(context: Any) -> None:
        count.nodes += 1

    graph = _BUILDERS[shape](node, size)

    async def run() -> int:
        count.nodes = 0
        await graph.run()
        return count.nodes

    return run


Step = Callable[[Any], Awaitable[Any]]


def _several(size: int) -> Step:
    async def several(context: Any) -> list[int]:
        return [0] * size

    return several


def _fan(node: Step, size: int) -> Any:
    graph = GraphBuilder()
    end = _mapped(graph, graph.start_node, node, size, "fan")
    graph.add(graph.edge_from(end).to(graph.end_node))
    return graph.build()


def _layers(node: Step, size: int) -> Any:
    graph = GraphBuilder()
    end = graph.start_node
    for layer in range(size // WIDTH):
        end = _mapped(graph, end, node, WIDTH, str(layer))
    graph.add(graph.edge_from(end).to(graph.end_node))
    return graph.build()


def _mapped(graph: Any, before: Any, node: Step, size: int, name: str) -> Any:
    source = graph.step(_several(size), node_id=f"source {name}")
    step = graph.step(node, node_id=f"node {name}")
    join = graph.join(reduce_null, initial=None, node_id=f"join {name}")
    graph.add(
        graph.edge_from(before).to(source),
        graph.edge_from(source).map().to(step),
        graph.edge_from(step).to(join),
    )
    return join


def _chain(node: Step, size: int) -> Any:
    graph = GraphBuilder()
    steps = [graph.step(node, node_id=str(number)) for number in range(size)]
    path = [graph.start_node, *steps, graph.end_node]
    graph.add(*(graph.edge_from(one).to(other) for one, other in itertools.pairwise(path)))
    return graph.build()


def _diamonds(node: Step, size: int) -> Any:
    graph = GraphBuilder()
    source = graph.step(_several(size // 4), node_id="source")
    top, left, right, bottom = (graph.step(node, node_id=name) for name in "abcd")
    # By default it would close the outer fork, and all diamonds would have one bottom.
    join = graph.join(reduce_null, initial=None, node_id="join", preferred_parent_fork="closest")
    end = graph.join(reduce_null, initial=None, node_id="end of all")
    graph.add(
        graph.edge_from(graph.start_node).to(source),
        graph.edge_from(source).map().to(top),
        graph.edge_from(top).to(left, right),
        graph.edge_from(left, right).to(join),
        graph.edge_from(join).to(bottom),
        graph.edge_from(bottom).to(end),
        graph.edge_from(end).to(graph.end_node),
    )
    return graph.build()


_BUILDERS = {"fan": _fan, "chain": _chain, "layers": _layers, "diamonds": _diamonds}


async def barrier() -> float:
    began = 0.0

    async def fast(context: Any) -> None:
        await anyio.sleep(0.1)

    async def slow(context: Any) -> None:
        await anyio.sleep(1.0)

    async def after(context: Any) -> None:
        nonlocal began
        began = anyio.current_time()

    graph = GraphBuilder()
    steps = {step.__name__: graph.step(step) for step in (fast, slow, after)}
    join = graph.join(reduce_null, initial=None)
    graph.add(
        graph.edge_from(graph.start_node).to(steps["fast"], steps["slow"]),
        graph.edge_from(steps["fast"]).to(steps["after"]),
        graph.edge_from(steps["after"], steps["slow"]).to(join),
        graph.edge_from(join).to(graph.end_node),
    )
    built = graph.build()
    start = anyio.current_time()
    await built.run()
    return began - start
