"""What an agent is made of, the same for all its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines import CallLimiter, Engine, Peers, Sampling
from planners import Planner
from reasoning import Method, Reducer

from .budget import Budget
from .calls import CallPolicy
from .on_failure import OnFailure
from .tools import Tool


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """What an agent is made of; `Agent` says what each thing is for.

    Attributes:
        peers: How long calls on the engine take, if late ones are tried twice.
    """

    engine: Engine
    tools: Mapping[str, Tool]
    planner: Planner
    method: Method
    reducer: Reducer | None
    sampling: Sampling
    concurrency: int
    budget: Budget
    calls: CallPolicy
    limiter: CallLimiter
    peers: Peers | None
    on_failure: OnFailure

    def describe(self) -> dict[str, Any]:
        """What decides the results of a run, as JSON data: a run is resumed with the same only."""
        return {
            "model": self.engine.model,
            "planner": _described(self.planner),
            "method": _described(self.method),
            "reducer": None if self.reducer is None else _described(self.reducer),
            "sampling": self.sampling.model_dump(mode="json"),
            "tools": sorted(self.tools),
            "on_failure": self.on_failure,
        }

    def limits(self) -> dict[str, Any]:
        """What may change when a run is resumed, as JSON data."""
        limits = ("tokens", "calls", "seconds", "money")
        return {
            "budget": {name: getattr(self.budget, name) for name in limits},
            "calls": repr(self.calls),
            "concurrency": self.concurrency,
        }


def _described(thing: object) -> str:
    """A configuration in words; without addresses, which are others in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(thing))
