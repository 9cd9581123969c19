"""Draws a plan as a Mermaid flowchart, which GitHub, notebooks and many editors show. Pure text.

Calls are boxes with double sides, threads are round, reductions are hexagons, conclusions are plain boxes. A thick
arrow leads to a thread that goes on with another. Viewers take 500 arrows at most unless they are told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from .description import describe
from .plan import AnyNode, Plan, Think

_SHAPES = {
    "call": ("[[", "]]"),
    "think": ("([", "])"),
    "reduce": ("{{", "}}"),
    "conclude": ("[", "]"),
}
_LONGEST = 80
# Mermaid would read these as the end of a label, as Markdown, or as HTML.
_SPECIAL = re.compile(r"""["#&;<>`\\*_~$%{}|@]""")


def to_mermaid(plan: Plan, *, marked: Collection[str] = (), notes: Mapping[str, str] = {}) -> str:
    """The plan as a flowchart.

    Args:
        plan: What is drawn.
        marked: Nodes that stand out, such as those on the critical path.
        notes: What else is said of nodes, in a line of its own.

    >>> from planners import Call, Plan, Think
    >>> plan = Plan(nodes=(Call(id="1", tool="now"), Think(id="2", prompt="why?", after="1")))
    >>> print(to_mermaid(plan), end="")
    flowchart TD
        n1[["1. now()"]]
        n2(["2. think after 1: why?"])
        n1 ==> n2
    """
    names = {node.id: f"n{number}" for number, node in enumerate(plan.nodes, start=1)}
    lines = ["flowchart TD"]
    for node in plan.nodes:
        left, right = _SHAPES[node.kind]
        note = f"<br/>{_escaped(notes[node.id])}" if node.id in notes else ""
        label = _escaped(_short(f"{node.id}. {describe(node)}"))
        lines.append(f'    {names[node.id]}{left}"{label}{note}"{right}')
    for node in plan.nodes:
        lines += [f"    {names[b]} {_arrow(b, node)} {names[node.id]}" for b in node.dependencies]
    if chosen := [names[node.id] for node in plan.nodes if node.id in marked]:
        lines.append("    classDef marked stroke-width:4px")
        lines.append(f"    class {','.join(chosen)} marked")
    return "\n".join(lines) + "\n"


def _arrow(before: str, node: AnyNode) -> str:
    return "==>" if isinstance(node, Think) and node.after == before else "-->"


def _short(text: str) -> str:
    line = " ".join(text[: 4 * _LONGEST].split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _escaped(text: str) -> str:
    """With the codes of what Mermaid would obey, and without what cannot be shown."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", shown)
