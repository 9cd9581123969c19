"""What becomes of the nodes that need a failed one. Pure.

    skip         they are cancelled, with the first cause as their reason; the rest goes on
    fail         everything is cancelled
    substitute   they get the error's text in the place of the result

A reduction goes on with the inputs that are there, whatever is chosen, as long as there is one. A conclusion needs what
its text refers to, not what it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from engines import Outcome
from planners import Conclude, Node, Reduce, Think
from planners.plan import references

OnFailure = Literal["skip", "fail", "substitute"]
ON_FAILURE: tuple[OnFailure, ...] = get_args(OnFailure)


def blocked(
    node: Node, inputs: Mapping[str, Outcome[Any]], on_failure: OnFailure
) -> Outcome[Any] | None:
    """How a node ends that cannot run, since what it needs is not there; None if it can."""
    missing = {name: inputs[name] for name in needed(node) if not inputs[name].usable}
    if not missing:
        return None
    # A text cannot stand in for a thread that is to be gone on with.
    thread = node.after if isinstance(node, Think) else None
    if on_failure == "substitute" and thread not in missing:
        return None
    return Outcome("cancelled", reason=reasons(missing))


def needed(node: Node) -> tuple[str, ...]:
    """The nodes without which this one cannot run."""
    if isinstance(node, Reduce):
        return ()
    if isinstance(node, Conclude):
        return tuple(reference.node for reference in references(node.text))
    return node.dependencies


def substitute(outcome: Outcome[Any]) -> str:
    """What stands in the place of a result that is not there."""
    return f"(no result: {outcome.reason})"


def reasons(outcomes: Mapping[str, Outcome[Any]]) -> str:
    """Why there is no input: the first causes, since a node that was cancelled only passes one on."""
    told = (
        outcome.reason
        if outcome.status == "cancelled"
        else f"node {name!r} {outcome.status}: {outcome.reason}"
        for name, outcome in outcomes.items()
    )
    return "; ".join(dict.fromkeys(told))
