"""Plans and scripts that many tests use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from engines import Context, ForkjoinError, Sampling
from planners import Call, GivenPlanner, Node, Plan, Reference

Reply = str | ForkjoinError
Script = Callable[[Context, Sampling], Reply]
Dependencies = dict[str, tuple[str, ...]]


def call(node: str, *needs: str) -> Call:
    """A node that needs these others."""
    return Call(id=node, tool="work", arguments={need: Reference(node=need) for need in needs})


def given(*nodes: Node) -> GivenPlanner:
    return GivenPlanner(given=Plan(nodes=nodes))


def by_path(replies: Mapping[str, Reply], default: Reply = "ok") -> Script:
    """A script that answers each call by the path of its context."""

    def script(context: Context, sampling: Sampling) -> Reply:
        return replies.get(context.path, default)

    return script


@st.composite
def dags(draw: st.DrawFn) -> Dependencies:
    """Tasks in an order that can be run, each with what it needs."""
    size = draw(st.integers(1, 12))
    return {
        str(task): tuple(map(str, sorted(draw(st.sets(st.integers(0, task - 1), max_size=4)))))
        if task
        else ()
        for task in range(size)
    }
