from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Usage
from orchestrator import (
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunFinished,
    RunStarted,
    TokensGenerated,
)
from orchestrator.events import CallDeferred
from orchestrator.runs.run_view import RunView
from planners import Think
from tests.orchestrator.histories import histories


def view_of(*events: Event) -> RunView:
    view = RunView()
    for event in events:
        view.apply(event)
    return view


def planned(*names: str) -> list[Event]:
    return [NodePlanned(node=Think(id=name)) for name in names]


def finished(node: str, call: int, tokens: int, *, replayed: bool = False) -> Event:
    return GenerationFinished(
        node=node,
        call=call,
        path="root",
        usage=Usage(prompt_tokens=5, generated_tokens=tokens),
        finish_reason="stop",
        seconds=1.0,
        replayed=replayed,
    )


@given(histories())
def test_every_node_and_call_is_counted_once(events: list[Event]) -> None:
    view = view_of(*events)
    statistics = view.statistics()

    def count(kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in events)

    assert sum(statistics.nodes.values()) == len(view.nodes) == count(NodePlanned)
    assert statistics.nodes_ended == count(NodeFinished)
    assert statistics.nodes.get("running", 0) == count(NodeStarted) - count(NodeFinished)
    assert statistics.calls_open == count(GenerationStarted) - count(GenerationFinished)
    assert statistics.calls_finished + statistics.calls_broken + statistics.calls_replayed == count(
        GenerationFinished
    )
    assert all(statistics.nodes.values())
    by_state = [node.state for node in view.nodes.values()]
    assert {state: by_state.count(state) for state in by_state} == statistics.nodes


@given(histories())
def test_what_is_kept_says_what_was_seen_at_the_end(events: list[Event]) -> None:
    """Tokens are told twice: while they come, for the eyes, and when their call has ended."""
    spent = sum(e.usage.generated_tokens for e in events if isinstance(e, GenerationFinished))
    seen, kept = view_of(*events), view_of(*(event for event in events if not event.transient))
    assert kept.statistics().generated_tokens == spent
    assert seen.statistics().generated_tokens >= spent
    assert seen.statistics().nodes == kept.statistics().nodes


def test_what_only_the_end_tells_of_was_spent_too() -> None:
    started = [*planned("1"), GenerationStarted(node="1", call=1, path="p")]
    left = GenerationFinished(
        node="1", call=1, path="p", usage=Usage(), finish_reason="aborted", seconds=1.0
    )
    usage = Usage(prompt_tokens=166, generated_tokens=29, lower_bound=True)
    statistics = view_of(*started, left, RunFinished(status="cancelled", usage=usage)).statistics()
    assert (statistics.prompt_tokens, statistics.generated_tokens) == (166, 29)


@given(histories(), st.integers(1, 20))
def test_nodes_never_need_more_rows_than_there_are(events: list[Event], rows: int) -> None:
    view = view_of(*events)
    shown = view.shown(rows)
    assert len(shown) <= rows
    if len(view.nodes) <= rows:
        assert shown == list(view.nodes.values())
    else:
        first = [*view.running.values(), *view.failed.values()]
        assert shown == first[:rows]


def test_tokens_are_seen_while_a_call_goes_on_and_counted_once() -> None:
    events = [*planned("1"), NodeStarted(node="1"), GenerationStarted(node="1", call=1, path="p")]
    view = view_of(
        *events, TokensGenerated(node="1", tokens=4), TokensGenerated(node="1", tokens=3)
    )
    assert view.nodes["1"].tokens + view.nodes["1"].streamed == 7
    assert view.statistics().generated_tokens == 7
    view.apply(finished("1", 1, 9))
    assert view.nodes["1"].tokens + view.nodes["1"].streamed == 9
    assert view.statistics().generated_tokens == 9


def test_what_a_journal_answered_is_no_new_work() -> None:
    statistics = view_of(
        *planned("1"), finished("1", 1, 9, replayed=True), finished("1", 2, 4)
    ).statistics()
    assert (statistics.calls_replayed, statistics.calls_finished) == (1, 1)
    assert (statistics.generated_tokens, statistics.new_tokens) == (13, 4)


def test_ages_are_of_what_still_runs() -> None:
    view = view_of(
        *planned("1", "2"),
        NodeStarted(node="1", time=1.0),
        GenerationStarted(node="1", call=7, path="root/1", time=2.0),
        NodeStarted(node="2", time=3.0),
        NodeFinished(node="2", status="ok", result=1, time=3.5),
    )
    assert [node.age(10.0) for node in view.nodes.values()] == [9.0, 0.5]
    assert [call.age(10.0) for call in view.calls.values()] == [8.0]
    # Clocks of two machines may differ.
    assert view.nodes["1"].age(0.5) == 0.0


def test_a_run_that_is_gone_on_with_begins_anew_and_remembers_how_long_it_worked() -> None:
    first = [RunStarted(question="q", model="m"), *planned("1"), NodeStarted(node="1", time=4.0)]
    view = view_of(*first, RunStarted(question="q", model="m", resumed=True), *planned("1"))
    assert view.resumed
    assert view.earlier_seconds == 4.0
    assert view.statistics().nodes == {"waiting": 1}
    assert not view.running


def test_a_node_that_was_blocked_never_ran() -> None:
    view = view_of(*planned("1"), NodeFinished(node="1", status="cancelled", reason="no", time=9.0))
    assert (view.nodes["1"].seconds, view.nodes["1"].outcome) == (0.0, "no")


def test_a_node_whose_call_somebody_else_makes_waits_and_is_remembered_by_later_lives() -> None:
    asked = CallDeferred(node="a", tool="weather", arguments={"place": "Rome"}, time=2.0)
    view = view_of(*planned("a"), NodeStarted(node="a", time=1.0), asked)
    assert view.running == {}
    assert view.statistics().nodes == {"waiting": 1}
    assert view.nodes["a"].outcome == "waits for somebody to call it"
    view.apply(RunStarted(question="Why?", model="fake", resumed=True))
    assert view.asked == {"a": asked}


def test_nodes_and_calls_that_nobody_announced_are_no_error() -> None:
    view = view_of(
        NodeStarted(node="x", time=1.0),
        finished("(planner)", 3, 2),
        TokensGenerated(node="(planner)", tokens=1),
        NodeFinished(node="x", status="truncated", result="a", reason="limit", time=2.0),
    )
    assert view.nodes["x"].what == ""
    assert view.nodes["x"].outcome == "a (limit)"
    assert view.statistics().generated_tokens == 3


@pytest.mark.parametrize("times", [1, 3])
def test_notices_are_counted(times: int) -> None:
    notices = [CallNoticed(node="1", path="p", what="hedged", reason="slow")] * times
    assert view_of(*notices).statistics().notices == {"hedged": times}


def test_the_end_is_kept() -> None:
    end = RunFinished(status="failed", reason="no luck", usage=Usage())
    assert view_of(end).end is end
