"""Runs plans: the agent, the executor, tools, events and the command line.

Importing this package loads neither torch, vllm nor transformers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.later import imported_later as _imported_later

from .agent import Agent
from .budget import Budget, Prices
from .calls import CallPolicy
from .deferral import DeferredCall
from .errors import (
    JournalError,
    OutputFailed,
    RunDeferred,
    RunFailed,
    RunFolderError,
    RunInUse,
    RunUnreadable,
    ToolDefinitionError,
    ToolError,
    ToolRefused,
    ToolUnavailable,
    ToolUnfinished,
)
from .events import (
    AnswerText,
    ApprovalAsked,
    ApprovalDecided,
    CallDeferred,
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
    ToolProgress,
    WorkerText,
)
from .execution.executor import Executor
from .execution.graph import TaskGraph
from .history import Exchange, History
from .node_runner import Result
from .run_result import RunResult
from .telemetry.tracing import Tracing
from .tools.approval import ApprovalRequest, Approve, approve_all
from .tools.context import ToolContext
from .tools.deferred import deferred_tool
from .tools.definition import Tool, tool

if TYPE_CHECKING:
    from .forecasting.forecast import Forecast, Forecaster
    from .forecasting.rates import Rates
    from .forecasting.simulation import Simulation, simulate
    from .planning import Preview
    from .run_stream import RunStream
    from .tool_servers import ToolServer, tool_server

__all__ = [
    "Agent",
    "AnswerText",
    "ApprovalAsked",
    "ApprovalDecided",
    "ApprovalRequest",
    "Approve",
    "Budget",
    "CallDeferred",
    "CallNoticed",
    "CallPolicy",
    "DeferredCall",
    "Event",
    "Exchange",
    "Executor",
    "Forecast",
    "Forecaster",
    "GenerationFinished",
    "GenerationStarted",
    "History",
    "JournalError",
    "NodeFinished",
    "NodePlanned",
    "NodeStarted",
    "OutputFailed",
    "PlanFinished",
    "PlanText",
    "Preview",
    "Prices",
    "Rates",
    "Result",
    "RunDeferred",
    "RunFailed",
    "RunFinished",
    "RunFolderError",
    "RunInUse",
    "RunResult",
    "RunStarted",
    "RunStream",
    "RunUnreadable",
    "Simulation",
    "Subscriber",
    "TaskGraph",
    "TokensGenerated",
    "Tool",
    "ToolContext",
    "ToolDefinitionError",
    "ToolError",
    "ToolProgress",
    "ToolRefused",
    "ToolServer",
    "ToolUnavailable",
    "ToolUnfinished",
    "Tracing",
    "WorkerText",
    "approve_all",
    "deferred_tool",
    "simulate",
    "tool",
    "tool_server",
]

# What most programs do not use is imported with its first use.
__getattr__ = _imported_later(
    __name__,
    {
        "Forecast": ".forecasting.forecast",
        "Forecaster": ".forecasting.forecast",
        "Preview": ".planning",
        "Rates": ".forecasting.rates",
        "RunStream": ".run_stream",
        "Simulation": ".forecasting.simulation",
        "ToolServer": ".tool_servers",
        "simulate": ".forecasting.simulation",
        "tool_server": ".tool_servers",
    },
)
