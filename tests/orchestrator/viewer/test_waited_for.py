from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.viewer.picture.waited_for import Round, Span, waited_for
from tests.orchestrator.plans import Dependencies, dags


@given(dags(), st.data())
def test_where_nothing_waits_for_a_place_the_path_fills_the_time(
    needs: Dependencies, data: st.DataObject
) -> None:
    spans: dict[str, Span] = {}
    for node, below in needs.items():
        start = max((spans[name].end for name in below), default=0.0)
        spans[node] = Span(needs=below, start=start, end=start + data.draw(st.integers(1, 5)))
    path = waited_for(spans, spans)
    last = max(span.end for span in spans.values())
    assert path.seconds == last
    assert not needs[path.nodes[0]]
    assert all(one in needs[other] for one, other in zip(path.nodes, path.nodes[1:], strict=False))


def test_there_may_be_nothing() -> None:
    assert waited_for({}, ["a"]).nodes == ()


def test_a_planner_that_writes_last_is_waited_for() -> None:
    """It is alone at the beginning, and judges in the end."""
    alone = waited_for({}, [], [Round(1, 3)])
    assert (alone.nodes, alone.planner, alone.seconds) == ((), True, 2)
    judging = waited_for({"a": Span(planned=2, start=2, end=5)}, ["a"], [Round(0, 2), Round(5, 9)])
    assert (judging.nodes, judging.planner, judging.seconds) == (("a",), True, 9)


def test_nodes_that_need_each_other_end_the_walk() -> None:
    spans = {"a": Span(needs=("b",), start=0, end=1), "b": Span(needs=("a",), start=0, end=1)}
    assert set(waited_for(spans, ["a"]).nodes) == {"a", "b"}


def test_a_node_that_was_planned_early_did_not_wait_for_the_plan() -> None:
    spans = {
        "a": Span(planned=1, start=1, end=5),
        "b": Span(needs=("a",), planned=2, start=5, end=6),
    }
    path = waited_for(spans, ["b"], [Round(0, 3)])
    assert (path.nodes, path.planner, path.seconds) == (("a", "b"), True, 6)
