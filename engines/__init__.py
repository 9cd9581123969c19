"""Engines turn contexts into tokens. The lowest layer: it knows nothing of methods, plans or runs.

`VllmEngine` imports vLLM, `HogwildEngine` PyTorch, and `HttpEngine` aiohttp or httpx, on first use only, as are
`ReplicaPool` and `ReplayEngine`, which few need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .choosing import Choosing, score_choice
from .collaboration import Collaboration, Layout
from .completion import Chunk, Completion, Draft, FinishReason, Passage, Usage
from .context import Context, NoTokenIds, Role, Segment
from .delivery import STREAMED, WHOLE, Delivery
from .engine import Capabilities, Engine, EngineStatistics, converse
from .error_groups import single_error
from .errors import (
    BudgetExhausted,
    CallTimedOut,
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    ForkjoinError,
    InvalidOutput,
    MissingExtra,
    ModelPreparationFailed,
    NotAnEngine,
    RequestRejected,
    RunError,
    UsageError,
)
from .fake_engine import FakeCall, FakeEngine, Scripted
from .fake_workers import ScriptedWorkers
from .hogwild.opening import hogwild_engine
from .in_process import LocalEngine
from .join_policy import All, Deadline, First, Fraction, JoinPolicy, KOfN
from .joining import join
from .joining_in_order import join_in_order
from .joining_in_waves import Waves, join_in_waves
from .later import imported_later as _imported_later
from .local import local_engine
from .logprobs import Logprob, TokenLogprobs, choice_probabilities
from .notice import Notice, NoticeKind, Notify
from .outcome import Outcome, Status
from .portal import run_in_portal
from .ready_queue import FairQueue, FifoQueue, PriorityQueue, ReadyQueue
from .sampling import Choice, Constraint, Grammar, JsonSchema, Regex, Sampling
from .settings import configured, option_names
from .structured import Structured, ask_json
from .width.adaptive_limiter import AdaptiveLimiter
from .width.controller import WidthController
from .width.policy import WidthPolicy
from .wrapper import EngineWrapper
from .wrappers.background import BackgroundEngine
from .wrappers.cap import CappedEngine
from .wrappers.hedge import HedgeEngine
from .wrappers.kv_meter import KvUse, MeteredEngine
from .wrappers.ledger import LedgerEngine, LedgerEntry
from .wrappers.limiter import CallLimiter, LimitedEngine
from .wrappers.logprobs import LogprobsEngine
from .wrappers.parts import PartwiseEngine
from .wrappers.peers import HedgePolicy, Peers
from .wrappers.retry import RetryEngine, RetryPolicy, delay_before_retry
from .wrappers.timeout import TimeoutEngine
from .wrappers.watch import WatchedEngine

if TYPE_CHECKING:
    from .hogwild.hogwild_engine import HogwildEngine
    from .remote.http_engine import HttpEngine
    from .replay_engine import ReplayEngine
    from .replicas.pool import ReplicaPool
    from .vllm_engine import VllmEngine

__all__ = [
    "STREAMED",
    "WHOLE",
    "AdaptiveLimiter",
    "All",
    "BackgroundEngine",
    "BudgetExhausted",
    "CallLimiter",
    "CallTimedOut",
    "Capabilities",
    "CapabilityMissing",
    "CappedEngine",
    "Choice",
    "Choosing",
    "Chunk",
    "Collaboration",
    "Completion",
    "Constraint",
    "Context",
    "ContextTooLong",
    "Deadline",
    "Delivery",
    "Draft",
    "Engine",
    "EngineDead",
    "EngineError",
    "EngineOverloaded",
    "EngineStatistics",
    "EngineUnavailable",
    "EngineWrapper",
    "FairQueue",
    "FakeCall",
    "FakeEngine",
    "FifoQueue",
    "FinishReason",
    "First",
    "ForkjoinError",
    "Fraction",
    "Grammar",
    "HedgeEngine",
    "HedgePolicy",
    "HogwildEngine",
    "HttpEngine",
    "InvalidOutput",
    "JoinPolicy",
    "JsonSchema",
    "KOfN",
    "KvUse",
    "Layout",
    "LedgerEngine",
    "LedgerEntry",
    "LimitedEngine",
    "LocalEngine",
    "Logprob",
    "LogprobsEngine",
    "MeteredEngine",
    "MissingExtra",
    "ModelPreparationFailed",
    "NoTokenIds",
    "NotAnEngine",
    "Notice",
    "NoticeKind",
    "Notify",
    "Outcome",
    "PartwiseEngine",
    "Passage",
    "Peers",
    "PriorityQueue",
    "ReadyQueue",
    "Regex",
    "ReplayEngine",
    "ReplicaPool",
    "RequestRejected",
    "RetryEngine",
    "RetryPolicy",
    "Role",
    "RunError",
    "Sampling",
    "Scripted",
    "ScriptedWorkers",
    "Segment",
    "Status",
    "Structured",
    "TimeoutEngine",
    "TokenLogprobs",
    "Usage",
    "UsageError",
    "VllmEngine",
    "WatchedEngine",
    "Waves",
    "WidthController",
    "WidthPolicy",
    "ask_json",
    "choice_probabilities",
    "configured",
    "converse",
    "delay_before_retry",
    "hogwild_engine",
    "join",
    "join_in_order",
    "join_in_waves",
    "local_engine",
    "option_names",
    "run_in_portal",
    "score_choice",
    "single_error",
]

__getattr__ = _imported_later(
    __name__,
    {
        "HogwildEngine": ".hogwild.hogwild_engine",
        "HttpEngine": ".remote.http_engine",
        "ReplayEngine": ".replay_engine",
        "ReplicaPool": ".replicas.pool",
        "VllmEngine": ".vllm_engine",
    },
)
