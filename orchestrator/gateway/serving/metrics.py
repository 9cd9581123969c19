"""What a server counts, for Prometheus. No label holds what clients can choose, so that their number is bounded."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from engines import EngineStatistics, Usage
from planners import PLANNERS
from reasoning import METHODS

from ...openai_api.model_request import Endpoint, ModelRequest
from ...openai_api.pieces import Ended
from .admission import Admission

PLAIN = "plain"
"""The way of a request that names neither method nor planner."""

_UNKNOWN = "unknown"
_WAYS = frozenset({*METHODS, *PLANNERS})
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 600, 1800)


def way_label(request: ModelRequest) -> str:
    """The method or planner that a request names, if there is one of that name.

    >>> way_label(ModelRequest(turns=(), model="m@self-consistency:n=8")), way_label(ModelRequest(turns=(), model="m"))
    ('self-consistency', 'plain')
    >>> way_label(ModelRequest(turns=(), forkjoin={"method": "mine"}))
    'unknown'
    """
    suffix = request.model.rpartition("@")[2] if "@" in request.model else ""
    said = request.forkjoin.get("planner") or request.forkjoin.get("method")
    name = suffix.partition(":")[0] or said
    if not name:
        return PLAIN
    return name if isinstance(name, str) and name in _WAYS else _UNKNOWN


class Metrics:
    """The counts of one server, in a registry of their own.

    Args:
        admission: Knows who is in and who waits.
    """

    def __init__(self, admission: Admission) -> None:
        self._registry = registry = CollectorRegistry()
        labels = ("endpoint", "way")
        self._requests = Counter(
            "forkjoin_requests", "Requests by outcome.", (*labels, "status"), registry=registry
        )
        self._seconds = Histogram(
            "forkjoin_request_seconds", "From the request to the end of its answer.", labels,
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._first = Histogram(
            "forkjoin_first_piece_seconds", "From the request to the first piece of its answer.", labels,
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._told = Usage()
        tokens = Counter("forkjoin_tokens", "Tokens of all calls.", ("kind",), registry=registry)
        self._prompt, self._cached, self._generated = map(
            tokens.labels, ("prompt", "cached", "generated")
        )
        self._threads = Counter(
            "forkjoin_threads", "Threads of thought that answered requests had.", registry=registry
        )
        running = Gauge(
            "forkjoin_requests_running", "Requests that are answered now.", registry=registry
        )
        running.set_function(lambda: admission.running)
        waiting = Gauge(
            "forkjoin_requests_waiting", "Requests that wait for that.", registry=registry
        )
        waiting.set_function(lambda: admission.waiting)
        self._up = Gauge("forkjoin_engine_up", "Whether the engine answers.", registry=registry)
        self._engine = Gauge(
            "forkjoin_engine",
            "What the engine does, by its own count.",
            ("what",),
            registry=registry,
        )

    def first(self, endpoint: Endpoint, way: str, seconds: float) -> None:
        """The first piece of an answer came."""
        self._first.labels(endpoint, way).observe(seconds)

    def finished(self, endpoint: Endpoint, way: str, status: int, seconds: float) -> None:
        """A request came to its end."""
        self._requests.labels(endpoint, way, str(status)).inc()
        self._seconds.labels(endpoint, way).observe(seconds)

    def ended(self, ended: Ended) -> None:
        """An answer told how it came about."""
        threads = ended.detail.get("threads", 0)
        self._threads.inc(threads if isinstance(threads, int) else len(threads))

    def text(self, engine: EngineStatistics | None, spent: Usage) -> bytes:
        """All counts, as Prometheus reads them.

        Args:
            engine: What the engine does; None where it does not answer.
            spent: What all calls took so far.
        """
        self._pay(spent)
        self._up.set(engine is not None)
        self._engine.clear()
        if engine is not None:
            self._engine.labels("running").set(engine.running)
            self._engine.labels("waiting").set(engine.waiting)
            self._engine.labels("kv_usage").set(engine.kv_usage)
        return generate_latest(self._registry)

    def _pay(self, spent: Usage) -> None:
        """Counts what was spent since it was told the last time."""
        told, self._told = self._told, spent
        self._prompt.inc(spent.prompt_tokens - told.prompt_tokens)
        self._cached.inc((spent.cached_tokens or 0) - (told.cached_tokens or 0))
        self._generated.inc(spent.generated_tokens - told.generated_tokens)
