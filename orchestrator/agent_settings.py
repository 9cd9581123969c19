"""What an agent is made of, the same for all its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engines import CallLimiter, Engine, Peers, Sampling
from planners import Planner, Vocabulary
from reasoning import METHODS, REDUCERS, Method, Reducer

from .budget import Budget
from .calls import CallPolicy
from .on_failure import OnFailure
from .output import OutputType, output_type_of
from .tools.approval import Approve
from .tools.definition import Tool


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """What an agent is made of; `Agent` says what each thing is for.

    Attributes:
        peers: How long calls on the engine take, if late ones are tried twice.
        output: What answers become; None leaves them texts.
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
    approve: Approve | None = None
    output: OutputType[Any] | None = None

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What plans may name."""
        return vocabulary_of(self.tools)

    def returning(self, kind: Any) -> AgentSettings:
        """The same with another output type; None keeps what is there.

        Raises:
            UsageError: It cannot be one.
        """
        return self if kind is None else replace(self, output=output_type_of(kind))

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
            "output": None if self.output is None else self.output.schema,
        }

    def limits(self) -> dict[str, Any]:
        """What may change when a run is resumed, as JSON data."""
        limits = ("tokens", "calls", "seconds", "money")
        return {
            "budget": {name: getattr(self.budget, name) for name in limits},
            "calls": repr(self.calls),
            "concurrency": self.concurrency,
        }


def vocabulary_of(tools: Mapping[str, Tool]) -> Vocabulary:
    """What plans may name where these tools are there."""
    return Vocabulary(
        tools={name: tool.specification for name, tool in tools.items()},
        methods=METHODS,
        reducers=REDUCERS,
    )


def _described(thing: object) -> str:
    """A configuration in words; without addresses, which are others in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(thing))
