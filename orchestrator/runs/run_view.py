"""What is known of a run from its events so far: the same for the progress display and for `forkjoin status`.

A fold over events. It reads no clock and does no I/O, and it does as little as it can for each event, since it
stands in the event loop of the run that it looks at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple, assert_never

from pydantic import JsonValue

from engines import Usage
from planners import Node

from ..events import (
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
    TokensGenerated,
    ToolProgress,
    WorkerText,
)
from .run_statistics import NodeState, RunStatistics
from .words import describe

# What the path of a call holds for each step of a search.
_STEP = "/step-"
# Of what a worker writes, more than a line of a terminal.
_MOST_WRITTEN = 500


@dataclass(slots=True, kw_only=True)
class NodeView:
    """A node as far as it has come.

    Attributes:
        id: Its name in the plan.
        node: What the plan says; None where the plan has not been seen.
        state: `waiting`, `running`, or how it ended.
        started: Seconds since the run began.
        seconds: How long it ran; 0 until it ends.
        tokens: Generated in calls that have ended.
        streamed: Generated in calls that go on.
        calls: How many it has begun.
        calls_ended: How many of these have ended.
        depth: The most steps, one after another, that a search has begun in it; 0 where it is no search.
        result: What other nodes get from it.
        reason: Why it is not ok, or does not go on.
        writing: The end of what each worker has written, by its call's path and its name, in calls that go on.
    """

    id: str
    node: Node | None = None
    state: NodeState = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    tokens: int = 0
    streamed: int = 0
    calls: int = 0
    calls_ended: int = 0
    depth: int = 0
    result: JsonValue = None
    reason: str = ""
    writing: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """What it does, in a few words."""
        return "" if self.node is None else describe(self.node)

    @property
    def outcome(self) -> str:
        """Its result or the reason why there is none."""
        if self.result is None:
            return self.reason
        return f"{self.result} ({self.reason})" if self.reason else str(self.result)

    @property
    def progress(self) -> str:
        """How far it has come in many calls; nothing where it does not run, or has one call only."""
        if self.state != "running" or self.calls < 2:
            return ""
        step = f"step {self.depth}, " if self.depth else ""
        return f"{step}{self.calls_ended:,} of {self.calls:,} calls done"

    def age(self, now: float) -> float:
        """Seconds that it has run, `now` seconds after the run began."""
        return max(0.0, now - self.started) if self.state == "running" else self.seconds


class CallView(NamedTuple):
    """A call of the engine that has not ended.

    Attributes:
        node: The node that made it.
        path: The path of its context.
        started: Seconds since the run began.
    """

    node: str
    path: str
    started: float

    def age(self, now: float) -> float:
        """Seconds that it has run, `now` seconds after the run began."""
        return max(0.0, now - self.started)


class RunView:
    """Subscribe `apply` to a run's events, or feed it those of a file.

    Attributes:
        question: Empty until the run began.
        model: The engine's model.
        resumed: Whether the events are of a run that was gone on with.
        time: When the last event happened, in seconds since the run began, or was gone on with.
        earlier_seconds: How long the run had worked before it was gone on with.
        nodes: In the order of the plan.
        running: Of these, those that run, the oldest first.
        failed: Of these, those that failed.
        calls: Calls that go on, the oldest first, by their number.
        end: The last event.
        asked: Calls that somebody outside was asked for, also before the run was gone on with, by node.
    """

    def __init__(self) -> None:
        self.earlier_seconds = 0.0
        self.name = ""
        self.asked: dict[str, CallDeferred] = {}
        self.time = 0.0
        self._begin("", "", resumed=False)

    def _begin(self, question: str, model: str, *, resumed: bool) -> None:
        self.question = question
        self.model = model
        self.resumed = resumed
        self.nodes: dict[str, NodeView] = {}
        self.running: dict[str, NodeView] = {}
        self.failed: dict[str, NodeView] = {}
        self.calls: dict[int, CallView] = {}
        self.end: RunFinished | None = None
        self._ended: Counter[NodeState] = Counter()
        self._notices: Counter[str] = Counter()
        self._finished = self._broken = self._replayed = 0
        self._prompt_tokens = self._generated_tokens = self._replayed_tokens = self._streamed = 0

    def apply(self, event: Event) -> None:
        """Takes note of an event."""
        match event:
            case TokensGenerated():
                self._streamed += event.tokens
                if (node := self.nodes.get(event.node)) is not None:
                    node.streamed += event.tokens
            case WorkerText():
                self._write(event)
            case GenerationStarted():
                self._begin_call(event)
            case GenerationFinished():
                self._finish_call(event)
            case NodePlanned():
                self.nodes[event.node.id] = NodeView(id=event.node.id, node=event.node)
            case NodeStarted():
                node = self._node(event.node)
                node.state, node.started = "running", event.time
                self.running[node.id] = node
            case NodeFinished():
                self._finish_node(event)
            case CallNoticed():
                self._notices[event.what] += 1
                if event.what in ("retried", "failed-over"):
                    self._rewrite(event.node, event.path)
            case PlanText() | PlanFinished() | ToolProgress() | AnswerText():
                pass
            case ApprovalAsked():
                self._node(event.node).reason = "waits for approval"
            case ApprovalDecided():
                self._node(event.node).reason = ""
            case CallDeferred():
                self._defer(event)
            case RunStarted():
                self.earlier_seconds += self.time
                self.name = event.name
                self._begin(event.question, event.model, resumed=event.resumed)
            case RunFinished():
                self.end = event
            case _:
                assert_never(event)
        self.time = event.time

    def _node(self, name: str) -> NodeView:
        # A plan of a newer version may have nodes that cannot be read.
        return self.nodes.get(name) or self.nodes.setdefault(name, NodeView(id=name))

    def _begin_call(self, event: GenerationStarted) -> None:
        self.calls[event.call] = CallView(node=event.node, path=event.path, started=event.time)
        if (node := self.nodes.get(event.node)) is not None:
            node.calls += 1
            node.depth = max(node.depth, event.path.count(_STEP))

    def _write(self, event: WorkerText) -> None:
        if (node := self.nodes.get(event.node)) is not None:
            key = event.path, event.worker
            node.writing[key] = (node.writing.get(key, "") + event.delta)[-_MOST_WRITTEN:]

    def _rewrite(self, name: str, path: str) -> None:
        """What workers have written in a call is over: the call is, or it begins anew."""
        if (node := self.nodes.get(name)) is not None:
            # A new one, since a display has a thread of its own that may read the old one.
            node.writing = {key: text for key, text in node.writing.items() if key[0] != path}

    def _finish_call(self, event: GenerationFinished) -> None:
        self.calls.pop(event.call, None)
        tokens = event.usage.generated_tokens
        if event.replayed:
            self._replayed += 1
            self._replayed_tokens += tokens
        elif event.finish_reason in ("aborted", "failed"):
            self._broken += 1
        else:
            self._finished += 1
        self._prompt_tokens += event.usage.prompt_tokens
        self._generated_tokens += tokens
        self._streamed = max(0, self._streamed - tokens)
        if (node := self.nodes.get(event.node)) is not None:
            node.tokens += tokens
            node.calls_ended += 1
            node.streamed = max(0, node.streamed - tokens)
        self._rewrite(event.node, event.path)

    def _defer(self, event: CallDeferred) -> None:
        self.asked[event.node] = event
        node = self._node(event.node)
        self.running.pop(node.id, None)
        node.state, node.reason = "waiting", "waits for somebody to call it"

    def _finish_node(self, event: NodeFinished) -> None:
        node = self._node(event.node)
        if self.running.pop(node.id, None) is not None:
            node.seconds = event.time - node.started
        node.state, node.result, node.reason = event.status, event.result, event.reason
        self._ended[event.status] += 1
        if event.status == "failed":
            self.failed[node.id] = node

    def shown(self, rows: int) -> list[NodeView]:
        """Nodes for that many rows: all as the plan has them, or where they are too many running, then failed ones."""
        if len(self.nodes) <= rows:
            return list(self.nodes.values())
        # Copied at once, since a display has a thread of its own.
        first, then = list(self.running.values()), list(self.failed.values())
        return list(islice(chain(first, then), rows))

    def statistics(self) -> RunStatistics:
        """The run in figures."""
        states: dict[NodeState, int] = {"running": len(self.running), **self._ended}
        states["waiting"] = max(0, len(self.nodes) - sum(states.values()))
        generated = self._generated_tokens + self._streamed
        # Of a call that was read as a whole and left, only the run's own count tells.
        least = Usage() if self.end is None else self.end.usage
        return RunStatistics(
            nodes={state: count for state, count in states.items() if count},
            calls_open=len(self.calls),
            calls_finished=self._finished,
            calls_broken=self._broken,
            calls_replayed=self._replayed,
            prompt_tokens=max(self._prompt_tokens, least.prompt_tokens),
            generated_tokens=max(generated, least.generated_tokens),
            new_tokens=generated - self._replayed_tokens,
            notices=dict(self._notices),
        )
