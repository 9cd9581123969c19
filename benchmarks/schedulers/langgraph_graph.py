"""LangGraph: a compiled StateGraph, run asynchronously, with its recursion limit out of the way.

A fan is mapped with `Send`, as its documentation has it; other shapes have a node and edges for each of ours, where
several inputs are joined by one edge from a list.
"""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypedDict

import anyio
from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]  # not in ours
from langgraph.types import Send  # type: ignore[import-not-found]  # not in ours

from benchmarks.schedulers.shapes import SHAPES

_CONFIGURATION = {"recursion_limit": 1_000_000}


class _State(TypedDict):
    count: Annotated[int, operator.add]


async def _node(state: _State) -> _State:
    return {"count": 1}


def prepare(shape: str, size: int) -> Callable[[], Awaitable[int]]:
    graph = _mapped(size) if shape == "fan" else _drawn(shape, size)

    async def run() -> int:
        state = await graph.ainvoke({"count": 0}, _CONFIGURATION)
        count: int = state["count"]
        return count

    return run


def _mapped(size: int) -> Any:
    graph = StateGraph(_State)
    graph.add_node("node", _node)
    graph.add_conditional_edges(START, lambda state: [Send("node", {})] * size, ["node"])
    graph.add_edge("node", END)
    return graph.compile()


def _drawn(shape: str, size: int) -> Any:
    graph = StateGraph(_State)
    nodes = SHAPES[shape](size)
    for number in range(len(nodes)):
        graph.add_node(str(number), _node)
    for number, needs in enumerate(nodes):
        sources = [str(need) for need in needs] or [START]
        graph.add_edge(sources if len(sources) > 1 else sources[0], str(number))
    return graph.compile()


async def barrier() -> float:
    began = 0.0

    async def fast(state: _State) -> _State:
        await anyio.sleep(0.1)
        return {"count": 1}

    async def slow(state: _State) -> _State:
        await anyio.sleep(1.0)
        return {"count": 1}

    async def after(state: _State) -> _State:
        nonlocal began
        began = anyio.current_time()
        return {"count": 1}

    graph = StateGraph(_State)
    for node in (fast, slow, after):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "fast")
    graph.add_edge(START, "slow")
    graph.add_edge("fast", "after")
    compiled = graph.compile()
    start = anyio.current_time()
    await compiled.ainvoke({"count": 0}, _CONFIGURATION)
    return began - start
