"""What happens in a run, as a versioned union of events. Progress, the run folder and callers subscribe.

`time` is in seconds since the run began. A run's events are in the order in which things happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engines import FinishReason, NoticeKind, Status, Usage
from planners import Node

SCHEMA_VERSION: Literal[1] = 1


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    # Whether it is for the eyes only, and not worth keeping.
    transient: ClassVar[bool] = False

    time: float = 0.0


class RunStarted(_Event):
    """The first event; also when a run is `resumed`, with the `usage` that it has had before.

    `name` is that of its folder, empty if it leaves none.
    """

    kind: Literal["run-started"] = "run-started"
    schema_version: Literal[1] = SCHEMA_VERSION
    question: str
    model: str
    name: str = ""
    resumed: bool = False
    usage: Usage = Usage()


class PlanText(_Event):
    """The planner wrote some text."""

    transient = True

    kind: Literal["plan-text"] = "plan-text"
    delta: str


class NodePlanned(_Event):
    """A node came into the plan."""

    kind: Literal["node-planned"] = "node-planned"
    node: Node


class PlanFinished(_Event):
    """The plan is complete; `text` is what the planner wrote, empty where it asked no model."""

    kind: Literal["plan-finished"] = "plan-finished"
    text: str


class NodeStarted(_Event):
    """A node's inputs are there and a worker took it."""

    kind: Literal["node-started"] = "node-started"
    node: str


class TokensGenerated(_Event):
    """A call of the engine went on by so many tokens."""

    transient = True

    kind: Literal["tokens-generated"] = "tokens-generated"
    node: str
    tokens: int


class WorkerText(_Event):
    """One of several workers that write one call's completion went on; `delta` may be the header of a new step."""

    transient = True

    kind: Literal["worker-text"] = "worker-text"
    node: str
    path: str
    worker: str
    delta: str


class AnswerText(_Event):
    """The text of the answer went on; told where somebody streams it, once it is known which node gives it."""

    transient = True

    kind: Literal["answer-text"] = "answer-text"
    delta: str


class ToolProgress(_Event):
    """A tool whose result comes bit by bit gave an item of it."""

    transient = True

    kind: Literal["tool-progress"] = "tool-progress"
    node: str
    data: JsonValue


class ApprovalAsked(_Event):
    """A call waits for somebody to approve it."""

    kind: Literal["approval-asked"] = "approval-asked"
    node: str
    tool: str


class ApprovalDecided(_Event):
    """A call was approved, or was not; `reason` says why not."""

    kind: Literal["approval-decided"] = "approval-decided"
    node: str
    tool: str
    approved: bool
    reason: str = ""


class CallDeferred(_Event):
    """A call waits for somebody outside to make it; its node goes on when the run is resumed with what came of it."""

    kind: Literal["call-deferred"] = "call-deferred"
    node: str
    tool: str
    arguments: dict[str, JsonValue]


class GenerationStarted(_Event):
    """A method called the engine; `call` numbers the calls of a run, and so many `workers` write in it side by side."""

    kind: Literal["generation-started"] = "generation-started"
    node: str
    call: int
    path: str
    workers: int = 1


class GenerationFinished(_Event):
    """A call of the engine ended.

    `finish_reason` is `aborted` when it was left, `failed` when the engine failed it. `limited_by` is what of a budget
    cut or refused it. `replayed` calls were answered by the journal of a run that is resumed.
    """

    kind: Literal["generation-finished"] = "generation-finished"
    node: str
    call: int = 0
    path: str
    usage: Usage
    finish_reason: FinishReason | Literal["aborted", "failed"]
    seconds: float
    limited_by: str | None = None
    replayed: bool = False


class CallNoticed(_Event):
    """Something happened to a call on its way: see `engines.Notice`."""

    kind: Literal["call-noticed"] = "call-noticed"
    node: str
    path: str
    what: NoticeKind
    reason: str


class NodeFinished(_Event):
    """A node ended; `result` is None unless its status is `ok` or `truncated`."""

    kind: Literal["node-finished"] = "node-finished"
    node: str
    status: Status
    reason: str = ""
    result: JsonValue = None


class RunFinished(_Event):
    """The last event; `remark` is what a reader of the answer should know, such as what cut it."""

    kind: Literal["run-finished"] = "run-finished"
    status: Literal["ok", "failed", "cancelled", "deferred"]
    reason: str = ""
    answer: str | None = None
    remark: str = ""
    usage: Usage
    critical_path: int | None = None


Event = Annotated[
    RunStarted
    | PlanText
    | NodePlanned
    | PlanFinished
    | NodeStarted
    | TokensGenerated
    | WorkerText
    | AnswerText
    | ToolProgress
    | ApprovalAsked
    | ApprovalDecided
    | CallDeferred
    | GenerationStarted
    | GenerationFinished
    | CallNoticed
    | NodeFinished
    | RunFinished,
    Field(discriminator="kind"),
]

Subscriber = Callable[[Event], None]


class EventBus:
    """Stamps events and hands them to subscribers.

    Args:
        clock: Seconds on any scale that only grows.
        subscribers: Called in this order, at once, on the event loop: they must not block for long.
    """

    def __init__(self, clock: Callable[[], float], subscribers: tuple[Subscriber, ...]) -> None:
        self._clock = clock
        self._start = clock()
        self._subscribers = subscribers

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    def emit(self, event: Event) -> None:
        """Hands the event on with the time. It is the bus's own from here on: it is stamped in place, not copied.

        One that has its time already, such as one that was read back, keeps it, and a copy is handed on.
        """
        # A copy costs as much as the rest of a node. Nobody has seen the event yet, so to its readers it is frozen.
        if "time" in event.__pydantic_fields_set__:
            event = event.model_copy()
        event.__dict__["time"] = round(self.seconds, 6)
        event.__pydantic_fields_set__.add("time")
        for subscriber in self._subscribers:
            subscriber(event)
