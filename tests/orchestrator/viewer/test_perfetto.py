from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.viewer.perfetto import trace_of
from tests.orchestrator.viewer.viewed_runs import (
    killed_and_resumed_run,
    picture_of,
    plan_run,
    search_run,
)


@pytest.fixture(params=[plan_run, search_run, killed_and_resumed_run])
def drawn(request: pytest.FixtureRequest) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A picture, and the events of its trace."""
    _, picture = picture_of(request.param())
    return picture, json.loads(json.dumps(trace_of(picture)))["traceEvents"]


def slices(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (event for event in events if event["ph"] == "X")


def test_every_node_that_ran_and_every_call_is_a_slice(drawn: Any) -> None:
    picture, events = drawn
    kinds = Counter(event["cat"] for event in slices(events))
    assert kinds.pop("call", 0) == len(picture["calls"]) + sum(
        n["kind"] == "call" for n in picture["nodes"]
    )
    assert sum(kinds.values()) == sum(n["kind"] != "call" for n in picture["nodes"])
    assert all(
        type(event[name]) is int for event in slices(events) for name in ("ts", "dur", "tid", "pid")
    )


def test_on_a_track_nothing_overlaps(drawn: Any) -> None:
    _, events = drawn
    last: dict[int, int] = {}
    for event in sorted(slices(events), key=lambda event: event["ts"]):
        assert event["ts"] >= last.get(event["tid"], 0)
        assert event["dur"] > 0
        last[event["tid"]] = event["ts"] + event["dur"]
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert named == set(last)


def test_arrows_go_from_slice_to_slice_along_the_edges(drawn: Any) -> None:
    picture, events = drawn
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert len(starts) == sum(len(node["depends"]) for node in picture["nodes"])
    for event in (*starts.values(), *ends.values()):
        assert any(
            one["tid"] == event["tid"] and one["ts"] <= event["ts"] <= one["ts"] + one["dur"]
            for one in slices(events)
        )
    assert all(starts[id]["ts"] <= ends[id]["ts"] for id in starts)


def test_counters_begin_and_end_at_nothing(drawn: Any) -> None:
    _, events = drawn
    for name, key in (("calls open", "calls"), ("tokens in flight", "tokens")):
        values = [event["args"][key] for event in events if event["name"] == name]
        assert min(values) == values[-1] == 0
        assert max(values) > 0


def test_a_run_that_goes_on_is_drawn_up_to_now() -> None:
    _, picture = picture_of(plan_run())
    for one in (*picture["nodes"], *picture["calls"]):
        one["end"] = None
    events = trace_of(picture)["traceEvents"]
    now = round(picture["run"]["seconds"] * 1e6)
    assert all(event["ts"] + event["dur"] == now or event["dur"] == 1 for event in slices(events))
