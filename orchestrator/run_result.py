"""What a run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import Outcome, Usage
from planners import Plan
from reasoning import Answer

from .node_runner import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The answer, how it came about and what it cost. Its `str` is the final answer.

    Attributes:
        answer: The answer of the plan's last node.
        plan: The plan that ran.
        outcomes: What became of each node.
        usage: Tokens of all calls, the planner's included; `usage_by_node` splits it, the planner as `(planner)`.
        critical_path: Tokens generated one after another: the planner's, then along the longest chain of nodes.
        seconds: Wall time.
        folder: The run folder; None if none was asked for.
        remark: What a reader should know of the answer, such as what cut it or its plan; empty if nothing.
    """

    answer: Answer
    plan: Plan
    outcomes: Mapping[str, Outcome[Result]]
    usage: Usage
    usage_by_node: Mapping[str, Usage]
    critical_path: int
    seconds: float
    folder: Path | None
    remark: str = ""

    def __str__(self) -> str:
        return self.answer.final

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "question": self.plan.question,
            "answer": self.answer.final,
            "text": self.answer.text,
            "truncated": self.answer.truncated,
            "remark": self.remark,
            "usage": self.usage.model_dump(),
            "critical_path": self.critical_path,
            "seconds": round(self.seconds, 3),
            "nodes": [self._node_data(node.id) for node in self.plan.nodes],
            "plan": self.plan.model_dump(mode="json", by_alias=True, exclude_none=True),
            "folder": None if self.folder is None else str(self.folder),
        }

    def _node_data(self, node: str) -> dict[str, Any]:
        outcome = self.outcomes[node]
        candidates = outcome.value.answer.candidates if outcome.value else ()
        return {
            "id": node,
            "status": outcome.status,
            "reason": outcome.reason,
            "result": outcome.value.data if outcome.value else None,
            "candidates": [candidate.final for candidate in candidates],
            "usage": self.usage_by_node[node].model_dump(),
        }
