"""Whether a run failed by what its client had asked: its calls had no room in the budget or the model's window. Pure.

    calls of node 1: refused, refused  +  RunFailed by node 1  ->  RunRefused
    calls of node 1: refused, failed   +  RunFailed by node 1  ->  RunFailed

It does not know what a budget is.
"""

from __future__ import annotations

from typing import Literal

from engines import ContextTooLong

from ...errors import RunFailed, RunRefused
from ...events import GenerationFinished

_What = Literal["window", "budget"]


class Refusals:
    """What refused the calls of a run, by node."""

    def __init__(self) -> None:
        self._too_long: set[str] = set()
        self._refused: dict[str, _What] = {}
        self._failed: set[str] = set()

    def overhear(self, path: str, error: Exception) -> None:
        """Takes why the engine failed a call, before the call's event."""
        if isinstance(error, ContextTooLong):
            self._too_long.add(path)

    def follow(self, event: GenerationFinished) -> None:
        """Takes the end of a call."""
        if event.finish_reason != "failed":
            return
        if event.limited_by is not None:
            self._refused.setdefault(event.node, "budget")
        elif event.path in self._too_long:
            self._refused.setdefault(event.node, "window")
        else:
            self._failed.add(event.node)

    def told(self, failed: RunFailed) -> RunFailed:
        """What a run raised; a `RunRefused` where nothing but refusals failed its nodes."""
        nodes = {name: each for name, each in failed.outcomes.items() if each.status == "failed"}
        if not nodes or not self._refused.keys() - self._failed >= nodes.keys():
            return failed
        first = next(iter(nodes))
        message = f"node {first} has no room: {nodes[first].reason}"
        return RunRefused(message, failed.outcomes, self._refused[first])
