"""Engines turn contexts into tokens. The lowest layer: it knows nothing of methods, plans or runs.

`VllmEngine` imports vLLM and `HttpEngine` httpx on first use only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .completion import Chunk, Completion, FinishReason, Usage
from .context import Context, NoTokenIds, Role, Segment
from .engine import Capabilities, Engine, EngineStatistics, converse
from .error_groups import single_error
from .errors import (
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    EngineError,
    EngineUnavailable,
    ForkjoinError,
    MissingExtra,
    ModelPreparationFailed,
    NotAnEngine,
    RequestRejected,
    RunError,
    UsageError,
)
from .fake_engine import FakeCall, FakeEngine
from .local import LocalEngine, local_engine
from .outcome import Outcome, Status, join
from .portal import run_in_portal
from .sampling import Choice, Constraint, Grammar, JsonSchema, Regex, Sampling
from .wrapper import EngineWrapper

if TYPE_CHECKING:
    from .http_engine import HttpEngine
    from .vllm_engine import VllmEngine

__all__ = [
    "Capabilities",
    "CapabilityMissing",
    "Choice",
    "Chunk",
    "Completion",
    "Constraint",
    "Context",
    "ContextTooLong",
    "Engine",
    "EngineDead",
    "EngineError",
    "EngineStatistics",
    "EngineUnavailable",
    "EngineWrapper",
    "FakeCall",
    "FakeEngine",
    "FinishReason",
    "ForkjoinError",
    "Grammar",
    "HttpEngine",
    "JsonSchema",
    "LocalEngine",
    "MissingExtra",
    "ModelPreparationFailed",
    "NoTokenIds",
    "NotAnEngine",
    "Outcome",
    "Regex",
    "RequestRejected",
    "Role",
    "RunError",
    "Sampling",
    "Segment",
    "Status",
    "Usage",
    "UsageError",
    "VllmEngine",
    "converse",
    "join",
    "local_engine",
    "run_in_portal",
    "single_error",
]


def __getattr__(name: str) -> Any:
    if name == "VllmEngine":
        from .vllm_engine import VllmEngine

        return VllmEngine
    if name == "HttpEngine":
        from .http_engine import HttpEngine

        return HttpEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
