"""Runs plans: the agent, the executor, tools, events and the command line.

Importing this package loads neither torch, vllm nor transformers.
"""

from __future__ import annotations

from .agent import Agent
from .errors import RunFailed, RunFolderError, ToolDefinitionError, ToolError
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
from .executor import Executor
from .graph import TaskGraph
from .node_runner import Result
from .run_result import RunResult
from .tools import Tool, tool

__all__ = [
    "Agent",
    "CallNoticed",
    "Event",
    "Executor",
    "GenerationFinished",
    "GenerationStarted",
    "NodeFinished",
    "NodePlanned",
    "NodeStarted",
    "PlanFinished",
    "PlanText",
    "Result",
    "RunFailed",
    "RunFinished",
    "RunFolderError",
    "RunResult",
    "RunStarted",
    "Subscriber",
    "TaskGraph",
    "TokensGenerated",
    "Tool",
    "ToolDefinitionError",
    "ToolError",
    "tool",
]
