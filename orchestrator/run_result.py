"""What a run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from pydantic_core import to_jsonable_python
from typing_extensions import TypeVar

from engines import Outcome, Usage
from planners import Plan
from reasoning import Answer
from reasoning.thread_tree import thread_data

from .history import History
from .node_runner import Result

T = TypeVar("T", default=str, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Generic[T]):
    """The answer, how it came about and what it cost. Its `str` is the final answer.

    Attributes:
        answer: The answer of the plan's last node.
        output: What the answer has become: a value of the output type, or the final answer's text where none was given.
        plan: The plan that ran.
        outcomes: What became of each node.
        history: The conversation up to here, for the next question to go on from.
        usage: Tokens of all calls; `usage_by_node` splits it, what is of no node as `(planner)` and `(output)`.
        critical_path: Tokens generated one after another: the planner's, then along the longest chain of nodes, then
            the output's.
        seconds: Wall time.
        folder: The run folder; None if none was asked for.
        remark: What a reader should know of the answer, such as what cut it or its plan; empty if nothing.
    """

    answer: Answer
    output: T
    plan: Plan
    outcomes: Mapping[str, Outcome[Result]]
    history: History
    usage: Usage
    usage_by_node: Mapping[str, Usage]
    critical_path: int
    seconds: float
    folder: Path | None
    remark: str = ""

    def __str__(self) -> str:
        return self.answer.final

    @property
    def parallel_ratio(self) -> float:
        """Tokens generated for each one on the critical path: 1 where nothing ran side by side."""
        return self.usage.generated_tokens / self.critical_path if self.critical_path else 1.0

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "question": self.plan.question,
            "answer": self.answer.final,
            "output": to_jsonable_python(self.output),
            "text": self.answer.text,
            "truncated": self.answer.truncated,
            "remark": self.remark,
            "usage": self.usage.model_dump(),
            "critical_path": self.critical_path,
            "parallel_ratio": round(self.parallel_ratio, 3),
            "seconds": round(self.seconds, 3),
            "nodes": [self._node_data(node.id) for node in self.plan.nodes],
            "plan": self.plan.model_dump(mode="json", by_alias=True, exclude_none=True),
            "folder": None if self.folder is None else str(self.folder),
        }

    def _node_data(self, node: str) -> dict[str, Any]:
        outcome = self.outcomes[node]
        answer = outcome.value.answer if outcome.value else Answer(text="")
        return {
            "id": node,
            "status": outcome.status,
            "reason": outcome.reason,
            "result": outcome.value.data if outcome.value else None,
            "candidates": [candidate.final for candidate in answer.candidates],
            "usage": self.usage_by_node[node].model_dump(),
            "critical_path": answer.critical_path,
            "parallel_ratio": round(answer.parallel_ratio, 3),
            "threads": thread_data(answer),
        }
