"""A run in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engines import Status

NodeState = Literal["waiting", "running"] | Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatistics:
    """A run in figures.

    Attributes:
        nodes: How many are in each state; states that no node is in are left out.
        calls_open: Calls of the engine that go on, or wait for their turn.
        calls_finished: Calls that came to their end in the engine.
        calls_broken: Calls that failed, or were left before their end.
        calls_replayed: Calls that a journal answered.
        prompt_tokens: Of calls that ended.
        generated_tokens: Of all calls, replayed ones included.
        new_tokens: The same without replayed calls.
        notices: How often a call was `retried`, `hedged` and so on.
    """

    nodes: Mapping[NodeState, int]
    calls_open: int
    calls_finished: int
    calls_broken: int
    calls_replayed: int
    prompt_tokens: int
    generated_tokens: int
    new_tokens: int
    notices: Mapping[str, int]

    @property
    def nodes_ended(self) -> int:
        """Nodes that have ended, whichever way."""
        return sum(self.nodes.values()) - sum(self.nodes.get(s, 0) for s in ("waiting", "running"))
