from __future__ import annotations

from typing import Any

import pytest

from engines import Usage
from orchestrator import (
    ApprovalAsked,
    ApprovalDecided,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    RunFinished,
    RunStarted,
)
from orchestrator.events import CallDeferred, Event
from orchestrator.viewer.picture.picture import Picture
from planners import Call, Reference, Think
from tests.orchestrator.viewer.viewed_runs import by_id

STARTED = RunStarted(question="Why?", model="fake")


def picture_after(*events: Event) -> Picture:
    picture = Picture()
    for event in (STARTED, *events):
        picture.apply(event)
    return picture


def begun(time: float, call: int, path: str = "root/a", node: str = "a") -> Event:
    return GenerationStarted(time=time, node=node, call=call, path=path)


def ended(
    time: float,
    call: int,
    path: str = "root/a",
    node: str = "a",
    reason: Any = "stop",
    tokens: int = 5,
    **more: Any,
) -> Event:
    usage = Usage(prompt_tokens=10, cached_tokens=4, generated_tokens=tokens)
    return GenerationFinished(
        time=time, node=node, call=call, path=path, usage=usage, finish_reason=reason, seconds=1.0, **more
    )  # fmt: skip


def ran(id: str, start: float, end: float) -> list[Event]:
    return [
        NodeStarted(time=start, node=id),
        NodeFinished(time=end, node=id, status="ok", result=id),
    ]


def needing(id: str, *needs: str) -> Event:
    arguments: dict[str, Any] = {name: Reference(node=name) for name in needs}
    return NodePlanned(node=Call(id=id, tool="work", arguments=arguments))


def test_the_critical_path_is_what_was_waited_for_last() -> None:
    picture = picture_after(
        needing("a"),
        needing("b"),
        needing("c", "a", "b"),
        needing("d"),
        *ran("a", 0, 4),
        *ran("b", 0, 8),
        *ran("d", 0, 9),
        *ran("c", 8, 12),
    )
    nodes = by_id(picture.data()["nodes"])
    assert {id for id, node in nodes.items() if node["critical"]} == {"b", "c"}
    assert picture.data()["run"]["critical_seconds"] == 12


def test_what_is_waited_for_grows_while_a_node_runs() -> None:
    picture = picture_after(needing("a"), NodeStarted(node="a"))
    seconds = [picture.data(live=True, now=now)["run"]["critical_seconds"] for now in (2, 5, 9)]
    assert seconds == [2, 5, 9]
    planning = picture_after(begun(1, 1, "root", "(planner)"))
    seconds = [planning.data(live=True, now=now)["run"]["critical_seconds"] for now in (2, 5)]
    assert seconds == [1, 4]


def test_a_call_without_a_text_says_why() -> None:
    picture = picture_after(begun(1, 1), begun(1, 2), begun(1, 3))
    picture.apply(ended(2, 1))
    picture.apply(ended(2, 2, reason="aborted"))
    notes = {id: call["note"] for id, call in by_id(picture.data()["calls"]).items()}
    assert notes == {
        1: "",
        2: "it came to no end, and its text is not kept",
        3: "its prompt and output are kept when it ends",
    }
    picture.stop()
    assert by_id(picture.data()["calls"])[3]["note"] == notes[2]


def test_nodes_and_threads_are_counted_by_their_states() -> None:
    picture = picture_after(needing("a"), needing("b"), needing("c", "a"), *ran("a", 0, 1))
    skipped = NodeFinished(time=2, node="b", status="cancelled", reason="node 'a' failed")
    for event in (begun(1, 1), ended(2, 1), begun(1, 2, "root/a/x"), skipped):
        picture.apply(event)
    data = picture.data()
    assert data["run"]["nodes"] == {"ok": 1, "cancelled": 1, "waiting": 1}
    assert sum(data["run"]["threads"].values()) == len(data["threads"])
    assert by_id(data["nodes"])["b"]["reason"] == "node 'a' failed"


def test_while_a_run_goes_on_the_critical_path_may_become_another_one() -> None:
    picture = picture_after(
        needing("a"), needing("b"), NodeStarted(node="a"), NodeStarted(node="b")
    )
    picture.apply(NodeFinished(time=3, node="a", status="ok", result=1))
    version = picture.data(live=True, now=4)["version"]
    assert [node["id"] for node in picture.data()["nodes"] if node["critical"]] == ["b"]
    picture.apply(needing("c", "a"))
    picture.apply(NodeFinished(time=4, node="b", status="ok", result=1))
    picture.apply(NodeStarted(time=5, node="c"))
    data = picture.data(version, live=True, now=6)
    assert {node["id"]: node["critical"] for node in data["nodes"]} == {
        "b": False,
        "a": True,
        "c": True,
    }


def test_the_planner_is_a_node_and_is_waited_for() -> None:
    picture = picture_after(
        begun(0, 1, "plan", "(planner)"),
        NodePlanned(time=3, node=Think(id="a", prompt="why?")),
        ended(4, 1, "plan", "(planner)"),
        PlanFinished(time=4, text="1. think('why?')"),
        *ran("a", 3, 9),
    )
    data = picture.data()
    planner, node = data["nodes"]
    assert (planner["id"], planner["kind"], planner["state"]) == ("(planner)", "planner", "ok")
    assert (planner["text"], picture.plan_text) == ("plan", "1. think('why?')")
    assert planner["critical"]
    assert node["critical"]
    assert data["run"]["critical_seconds"] == 9
    assert data["run"]["nodes"] == {"ok": 1}


def test_a_planner_that_waits_for_nodes_is_on_the_path_twice_at_most() -> None:
    """A second round judges what the first had done: it waited for the slower node of that."""
    picture = picture_after(
        begun(0, 1, "plan", "(planner)"),
        NodePlanned(time=1, node=Call(id="a", tool="work")),
        NodePlanned(time=1, node=Call(id="b", tool="work")),
        ended(1, 1, "plan", "(planner)"),
        *ran("a", 1, 3),
        *ran("b", 1, 7),
        begun(7, 2, "plan", "(planner)"),
        ended(8, 2, "plan", "(planner)"),
        NodePlanned(time=8, node=Call(id="c", tool="work")),
        *ran("c", 8, 10),
    )
    data = picture.data()
    assert {node["id"] for node in data["nodes"] if node["critical"]} == {"(planner)", "b", "c"}
    assert data["run"]["critical_seconds"] == 10


def test_calls_whose_beginning_is_lost_are_there_all_the_same() -> None:
    (call,) = picture_after(ended(3, 7)).data()["calls"]
    assert (call["id"], call["start"], call["end"], call["state"]) == (7, 2.0, 3.0, "stop")


@pytest.mark.parametrize(
    ("reason", "state", "why"),
    [
        ("stop", "ok", ""),
        ("length", "truncated", "it reached its token limit"),
        ("aborted", "cancelled", ""),
        ("failed", "failed", ""),
    ],
)
def test_a_thread_ends_as_its_last_call_does(reason: str, state: str, why: str) -> None:
    picture = picture_after(begun(0, 1), begun(1, 2), ended(2, 1), ended(4, 2, reason=reason))
    (thread,) = picture.data()["threads"]
    assert (thread["state"], thread["reason"], thread["calls"]) == (state, why, 2)
    assert (thread["start"], thread["end"]) == (0, 4)
    assert thread["usage"]["generated_tokens"] == 10


def test_what_cut_a_call_is_told() -> None:
    picture = picture_after(begun(0, 1), ended(2, 1, reason="length", limited_by="tokens"))
    data = picture.data()
    assert data["threads"][0]["reason"] == "the budget's tokens cut it"
    assert data["calls"][0]["limited_by"] == "tokens"


def test_an_engine_that_does_not_tell_of_its_cache_leaves_shares_unknown() -> None:
    unknown = Usage(prompt_tokens=3, cached_tokens=None, generated_tokens=1)
    event = ended(2, 1).model_copy(update={"usage": unknown})
    data = picture_after(needing("a"), begun(0, 1), event).data()
    assert data["nodes"][0]["cached_share"] is None
    assert data["run"]["usage"]["cached_tokens"] is None


def test_calls_that_wait_for_somebody_say_so() -> None:
    asked = ApprovalAsked(time=1, node="a", tool="work")
    picture = picture_after(needing("a"), NodeStarted(node="a"), asked)
    assert picture.data()["nodes"][0]["reason"] == "waits for approval"
    picture.apply(ApprovalDecided(time=2, node="a", tool="work", approved=True))
    picture.apply(CallDeferred(time=3, node="a", tool="work", arguments={}))
    picture.apply(RunFinished(time=4, status="deferred", usage=Usage()))
    data = picture.data()
    assert (data["nodes"][0]["state"], data["run"]["state"]) == ("deferred", "deferred")
    picture.apply(RunStarted(question="Why?", model="fake", resumed=True))
    assert picture.data()["nodes"][0]["state"] == "waiting"
    picture.apply(needing("a"))
    for event in ran("a", 1, 2):
        picture.apply(event)
    node = picture.data()["nodes"][0]
    assert (node["state"], node["start"], node["end"]) == ("ok", 0, 6)


def test_the_second_life_goes_on_where_the_first_ended() -> None:
    picture = picture_after(
        needing("a"), begun(0, 1), ended(2, 1), begun(2, 2, "root/a/b"), *ran("x", 0, 5)
    )
    resumed = RunStarted(question="Why?", model="fake", resumed=True)
    for event in (resumed, begun(0.5, 1), ended(0.5, 1, replayed=True), begun(1, 2, "root/a/b")):
        picture.apply(event)
    data = picture.data()
    calls = by_id(data["calls"])
    assert data["run"]["lives"] == [5]
    assert [(call["start"], call["end"], call["state"]) for call in calls.values()] == [
        (0, 2, "stop"),
        (2, 5, "aborted"),
        (5.5, 5.5, "stop"),
        (6, None, "running"),
    ]
    # What was answered again is not paid again.
    assert by_id(data["threads"])["root/a"]["calls"] == 1
    assert data["run"]["usage"]["generated_tokens"] == 5


def test_only_what_changed_is_told() -> None:
    picture = picture_after(needing("a"), needing("b"), begun(0, 1), begun(0, 2, "root/b", "b"))
    version = picture.data()["version"]
    picture.apply(ended(2, 2, "root/b", "b"))
    data = picture.data(version)
    assert [node["id"] for node in data["nodes"]] == ["b"]
    assert [thread["id"] for thread in data["threads"]] == ["root/b"]
    assert [call["id"] for call in data["calls"]] == [2]
    assert all(one["version"] > version for one in (*data["nodes"], *data["calls"]))


def test_who_has_seen_another_picture_gets_all_of_this_one() -> None:
    picture = picture_after(needing("a"), begun(0, 1))
    whole = picture.data()
    assert picture.data(10_000) == whole
    assert picture.data(whole["version"])["nodes"] == []


def test_strange_samples_and_decisions_are_borne() -> None:
    picture = picture_after(begun(0, 1), ended(1, 1))
    picture.take_samples(
        [None, {"id": "a"}, {"id": "a", "threads": [1, {"path": 5}, {"path": "root/z"}]}]
    )
    for path, value in (
        ("root/a#select-0", "{}"),
        ("#select-", "x"),
        ("", "null"),
        ("root/a#join", "[[1]]"),
    ):
        picture.take_decision(path, value)
    data = picture.data()
    assert [decision["kind"] for decision in data["decisions"]] == [
        "other",
        "other",
        "other",
        "join",
    ]
    assert "root/z" in by_id(data["threads"])


def test_forks_end_with_a_run_that_is_killed_and_go_on_when_it_is_resumed() -> None:
    forked = [begun(1, 1, "root/a/x"), begun(1, 2, "root/a/y")]
    picture = picture_after(NodeStarted(time=1, node="a"), *forked)

    def fork() -> Any:
        return by_id(picture.data()["threads"])["root/a"]

    assert fork()["state"] == "running"
    picture.stop()
    assert (fork()["state"], fork()["end"]) == ("cancelled", 1)
    for event in (STARTED, NodeStarted(time=0.5, node="a")):
        picture.apply(event)
    assert (fork()["state"], fork()["end"]) == ("running", None)
