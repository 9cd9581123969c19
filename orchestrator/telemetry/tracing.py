"""Makes spans of a run's events: run > nodes > calls of the engine.

    invoke_workflow forkjoin
    ├── chat MODEL                 a call of the planner
    ├── execute_tool add           a node
    └── invoke_agent think         a node
        ├── chat MODEL             a call
        └── chat MODEL

It needs OpenTelemetry's API only. Without an SDK nobody looks at the spans, and none are made. Which attributes they
have is told by `attributes.py`. There are none for single tokens, and none with prompts or outputs.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from planners import Node

from ..events import (
    CallDeferred,
    CallNoticed,
    Event,
    GenerationFinished,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from . import attributes

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingStatistics:
    """What has been traced.

    Attributes:
        open_nodes: Nodes whose span has not ended.
        calls: Calls that got a span.
        calls_left_out: Calls that got none, since only a share of them does.
        calls_replayed: Calls that a journal answered; they get none.
    """

    open_nodes: int
    calls: int
    calls_left_out: int
    calls_replayed: int


class Tracing:
    """Subscribe `record` to the events of a run, or of runs one after another.

    The run's span is a child of the span that is current when the run begins.

    Args:
        provider: Who serves the model, as `gen_ai.provider.name` has it.
        call_ratio: The share of calls that get a span, 0 to 1; those that failed always do. The choice depends on
            the call's path, so that it repeats.
        tracer_provider: Where spans go; None is OpenTelemetry's global one.
        clock: Nanoseconds since 1970.
    """

    def __init__(
        self,
        *,
        provider: str = "vllm",
        call_ratio: float = 1.0,
        tracer_provider: TracerProvider | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        from opentelemetry import trace

        self._trace = trace
        self._tracer = trace.get_tracer(
            "forkjoin", version("forkjoin"), tracer_provider, attributes.SCHEMA_URL
        )
        self._provider = provider
        self._call_ratio = call_ratio
        self._clock = clock
        self._zero = 0
        self._model = ""
        self._run: Span | None = None
        self._planned: dict[str, Node] = {}
        self._nodes: dict[str, Span] = {}
        self._calls = self._left_out = self._replayed = 0

    def record(self, event: Event) -> None:
        """Begins or ends the span that an event speaks of."""
        if isinstance(event, RunStarted):
            self._run = self._start_run(event)
        elif self._run is not None:
            self._record(event, self._run)

    def _record(self, event: Event, run: Span) -> None:
        match event:
            case GenerationFinished():
                self._add_call(event, self._nodes.get(event.node, run))
            case NodePlanned():
                self._planned[event.node.id] = event.node
            case NodeStarted():
                self._start_node(event, run)
            case NodeFinished():
                self._end_node(event)
            case CallDeferred():
                self._nodes.pop(event.node).end(self._at(event.time))
            case CallNoticed():
                span = self._nodes.get(event.node, run)
                span.add_event(event.what, attributes.notice(event), self._at(event.time))
            case RunFinished():
                self._end_run(event, run)

    def statistics(self) -> TracingStatistics:
        """What has been traced so far."""
        return TracingStatistics(
            open_nodes=len(self._nodes),
            calls=self._calls,
            calls_left_out=self._left_out,
            calls_replayed=self._replayed,
        )

    def _start_run(self, event: RunStarted) -> Span | None:
        self._zero = self._clock() - round(event.time * 1e9)
        self._model = event.model
        span = self._tracer.start_span(
            attributes.RUN_NAME,
            attributes=attributes.run_started(event, self._provider),
            start_time=self._at(event.time),
        )
        self._planned.clear()
        self._nodes.clear()
        # Where nobody looks at it, nothing is done with the events that follow.
        return span if span.is_recording() else None

    def _start_node(self, event: NodeStarted, run: Span) -> None:
        node = self._planned.pop(event.node)
        self._nodes[node.id] = self._tracer.start_span(
            attributes.node_name(node),
            context=self._trace.set_span_in_context(run),
            attributes=attributes.node_started(node),
            start_time=self._at(event.time),
        )

    def _end_node(self, event: NodeFinished) -> None:
        span = self._nodes.pop(event.node, None)
        # A node whose inputs failed never began.
        if span is not None:
            span.set_attributes(attributes.node_finished(event))
            self._end(span, event.time, event.reason if event.status == "failed" else None)

    def _add_call(self, event: GenerationFinished, parent: Span) -> None:
        if event.replayed:
            self._replayed += 1
        elif event.finish_reason == "failed" or self._is_chosen(event.path):
            self._calls += 1
            # Only now, so that a call that failed is never left out.
            span = self._tracer.start_span(
                attributes.call_name(self._model),
                context=self._trace.set_span_in_context(parent),
                kind=self._trace.SpanKind.CLIENT,
                attributes=attributes.call_finished(event, self._model, self._provider),
                start_time=self._at(event.time - event.seconds),
            )
            self._end(span, event.time, "" if event.finish_reason == "failed" else None)
        else:
            self._left_out += 1

    def _end_run(self, event: RunFinished, span: Span) -> None:
        for node in self._nodes.values():
            node.end(self._at(event.time))
        span.set_attributes(attributes.run_finished(event, self._replayed))
        self._end(span, event.time, event.reason if event.status == "failed" else None)
        self._run = None

    def _end(self, span: Span, seconds: float, error: str | None) -> None:
        if error is not None:
            span.set_status(self._trace.StatusCode.ERROR, error)
        span.end(self._at(seconds))

    def _is_chosen(self, path: str) -> bool:
        return zlib.crc32(path.encode()) < self._call_ratio * 2**32

    def _at(self, seconds: float) -> int:
        return self._zero + round(seconds * 1e9)
