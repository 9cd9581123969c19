"""Writes steps in the notation that `PlanParser` reads, for prompts that show a plan, and for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..notation import THINK, keyword, literal, step_id
from ..plan import AnyNode, Call, Reference, Think


def plan_text(nodes: Iterable[AnyNode]) -> str:
    """The calls and threads as numbered lines, without a `join()`; parsing gives the same nodes.

    Of a text that is nothing but one reference, as an argument of a call, parsing gives the reference.

    Raises:
        ValueError: A reduction or a conclusion, which the notation does not have: what follows from `join()` is not
            the plan's to say. Or an id that is no number, or a value without a literal, such as infinity.

    >>> print(plan_text([Call(id="1", tool="add", arguments={"a": 1, "b": 2}), Think(id="2", prompt="why?")]), end="")
    1. add(a=1, b=2)
    2. think("why?")
    """
    return "".join(f"{step_id(node.id)}. {_step(node)}\n" for node in nodes)


def _step(node: AnyNode) -> str:
    if isinstance(node, Call):
        return f"{node.tool}({', '.join(_named(node.arguments))})"
    if isinstance(node, Think):
        return f"{THINK}({', '.join([literal(node.prompt), *_named(_settings(node))])})"
    raise ValueError(f"node {node.id!r}: a {node.kind} cannot be written as a step of a plan")


def _settings(node: Think) -> dict[str, object]:
    after = None if node.after is None else Reference(node=node.after)
    settings = {"method": node.method, "after": after, "max_tokens": node.max_tokens}
    return {name: value for name, value in settings.items() if value is not None}


def _named(arguments: Mapping[str, object]) -> list[str]:
    return [f"{keyword(name)}={literal(value)}" for name, value in arguments.items()]
