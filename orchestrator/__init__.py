"""Runs plans: the agent, the executor, tools, events and the command line.

Importing this package loads neither torch, vllm nor transformers.
"""

from __future__ import annotations

from .agent import Agent
from .budget import Budget, Prices
from .calls import CallPolicy
from .errors import (
    JournalError,
    RunFailed,
    RunFolderError,
    RunInUse,
    RunUnreadable,
    ToolDefinitionError,
    ToolError,
    ToolUnavailable,
    ToolUnfinished,
)
from .events import (
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    PlanText,
    RunFinished,
    RunStarted,
    Subscriber,
    TokensGenerated,
)
from .execution.executor import Executor
from .execution.graph import TaskGraph
from .node_runner import Result
from .run_result import RunResult
from .telemetry.tracing import Tracing
from .tools.definition import Tool, tool

__all__ = [
    "Agent",
    "Budget",
    "CallNoticed",
    "CallPolicy",
    "Event",
    "Executor",
    "GenerationFinished",
    "GenerationStarted",
    "JournalError",
    "NodeFinished",
    "NodePlanned",
    "NodeStarted",
    "PlanFinished",
    "PlanText",
    "Prices",
    "Result",
    "RunFailed",
    "RunFinished",
    "RunFolderError",
    "RunInUse",
    "RunResult",
    "RunStarted",
    "RunUnreadable",
    "Subscriber",
    "TaskGraph",
    "TokensGenerated",
    "Tool",
    "ToolDefinitionError",
    "ToolError",
    "ToolUnavailable",
    "ToolUnfinished",
    "Tracing",
    "tool",
]
