from __future__ import annotations

import json
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from engines import Usage
from orchestrator import (
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
)
from orchestrator.events import (
    AnswerText,
    ApprovalAsked,
    ApprovalDecided,
    CallDeferred,
    EventBus,
    ToolProgress,
    WorkerText,
)
from planners import Call, Reduce, Reference, Template, Think

USAGE = Usage(prompt_tokens=7, cached_tokens=None, generated_tokens=3, lower_bound=True)
CALL = Call(
    id="1",
    tool="add",
    arguments={"a": Reference(node="0", field="x"), "b": [1, 2.5, {"c": None, "d": True}]},
)
THINK = Think(id="2", prompt=Template(parts=("see ", Reference(node="1"))), method="m", after="0")
EVENTS: list[Event] = [
    RunStarted(question="why?", model="fake"),
    PlanText(delta='1. think("é")\n'),
    NodePlanned(node=CALL),
    NodePlanned(node=THINK),
    NodePlanned(node=Reduce(id="3", inputs=("1", "2"), reducer="first")),
    PlanFinished(text=""),
    NodeStarted(node="1"),
    TokensGenerated(node="2", tokens=9),
    AnswerText(delta="é"),
    WorkerText(node="1", path="1", worker="Zoë", delta="\n"),
    ToolProgress(node="1", data={"page": [1, None]}),
    ApprovalAsked(node="1", tool="add"),
    ApprovalDecided(node="1", tool="add", approved=False, reason="add was refused: no"),
    CallDeferred(node="1", tool="weather", arguments={"place": ["Paris", None]}),
    GenerationStarted(node="2", call=1, path="root/2"),
    CallNoticed(node="2", path="root/2", what="retried", reason="the server answered 500"),
    GenerationFinished(node="2", path="root/2", usage=USAGE, finish_reason="aborted", seconds=0.25),
    NodeFinished(node="1", status="ok", result={"a": [1, None, "é"]}),
    NodeFinished(node="2", status="cancelled", reason="node '1', which it needs, failed"),
    RunFinished(status="ok", answer="4", usage=Usage(), critical_path=3),
]
ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_json_as_it_was(event: Event) -> None:
    stamped = event.model_copy(update={"time": 1.5})
    text = stamped.model_dump_json(by_alias=True)
    assert ADAPTER.validate_json(text) == stamped
    assert json.loads(text)["kind"] == event.kind


def test_every_kind_of_event_is_tried_above() -> None:
    union, _ = get_args(Event)
    assert {type(event) for event in EVENTS} == set(get_args(union))


def test_kinds_are_all_different() -> None:
    union, _ = get_args(Event)
    kinds = [kind.model_fields["kind"].default for kind in get_args(union)]
    assert len(set(kinds)) == len(kinds)


def test_an_event_of_a_later_version_is_refused() -> None:
    data = {"kind": "run-started", "schema_version": 2, "question": "q", "model": "m"}
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(data)


def test_the_bus_stamps_seconds_since_its_start_and_keeps_the_order() -> None:
    times = iter([100.0, 100.0, 100.25, 103.1234567])
    first: list[Event] = []
    second: list[tuple[int, str]] = []
    bus = EventBus(
        lambda: next(times),
        (first.append, lambda event: second.append((len(first), event.kind))),
    )
    for node in ("a", "b", "c"):
        bus.emit(NodeStarted(node=node))
    assert [(event.time, event.node) for event in first if isinstance(event, NodeStarted)] == [
        (0.0, "a"),
        (0.25, "b"),
        (3.123457, "c"),
    ]
    # Each event goes to all subscribers, in their order, before the next event.
    assert second == [(1, "node-started"), (2, "node-started"), (3, "node-started")]


def test_an_event_is_stamped_once_whatever_becomes_of_it_later() -> None:
    times = iter([0.0, 1.0, 2.0])
    seen: list[Event] = []
    bus = EventBus(lambda: next(times), (seen.append,))
    event = NodeStarted(node="a")
    bus.emit(event)
    bus.emit(event)
    assert [event.time for event in seen] == [1.0, 2.0]
    assert seen[0] == ADAPTER.validate_json(seen[0].model_dump_json())


def test_the_time_of_an_event_is_told_even_where_unset_fields_are_left_out() -> None:
    seen: list[Event] = []
    EventBus(lambda: 7.0, (seen.append,)).emit(NodeStarted(node="a"))
    assert seen[0].model_dump(exclude_unset=True) == {"time": 0.0, "node": "a"}


@pytest.mark.parametrize("field", ["time", "node"])
def test_subscribers_cannot_change_an_event(field: str) -> None:
    seen: list[Event] = []
    EventBus(lambda: 0.0, (seen.append,)).emit(NodeStarted(node="a"))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(seen[0], field, 1)


def test_only_what_is_for_the_eyes_is_transient() -> None:
    transient = {event.kind for event in EVENTS if event.transient}
    assert transient == {
        "plan-text",
        "tokens-generated",
        "worker-text",
        "answer-text",
        "tool-progress",
    }
