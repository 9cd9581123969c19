from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import TaskGraph
from tests.orchestrator.plans import Dependencies, dags


def filled(dependencies: Dependencies) -> TaskGraph[str]:
    graph = TaskGraph[str]()
    for task, needs in dependencies.items():
        graph.add(task, needs)
    return graph


@given(dags(), st.data())
def test_every_task_is_ready_exactly_once_and_never_before_its_parents(
    dependencies: Dependencies, data: st.DataObject
) -> None:
    graph = TaskGraph[str]()
    waiting = list(dependencies)
    ready: list[str] = []
    settled: list[str] = []
    while waiting or ready:
        may_add = bool(waiting) and (not ready or data.draw(st.booleans()))
        if may_add:
            task = waiting.pop(0)
            became = [task] if graph.add(task, dependencies[task]) else []
        else:
            task = ready.pop(data.draw(st.integers(0, len(ready) - 1)))
            settled.append(task)
            became = graph.settle(task)
        for other in became:
            assert set(dependencies[other]) <= set(settled)
        ready += became
        added = list(dependencies)[: len(dependencies) - len(waiting)]
        assert list(graph.unsettled()) == [task for task in added if task not in settled]
    assert sorted(settled) == sorted(dependencies)
    assert len(graph) == len(dependencies)


def test_tasks_become_ready_in_the_order_of_adding() -> None:
    graph = filled({"a": (), "c": ("a",), "b": ("a",)})
    assert graph.settle("a") == ["c", "b"]


def test_a_task_added_after_its_parent_ended_is_ready_at_once() -> None:
    graph = filled({"a": ()})
    graph.settle("a")
    assert graph.add("b", ["a"])


def test_a_dependency_named_twice_counts_once() -> None:
    graph = filled({"a": (), "b": ("a", "a")})
    assert graph.settle("a") == ["b"]


def test_a_task_cannot_be_added_twice() -> None:
    graph = filled({"a": ()})
    with pytest.raises(ValueError, match="'a' is there already"):
        graph.add("a")


def test_a_dependency_that_is_not_there_is_refused_and_nothing_is_added() -> None:
    graph = filled({"a": ()})
    with pytest.raises(KeyError):
        graph.add("b", ["a", "nobody"])
    assert len(graph) == 1
    assert graph.settle("a") == []


def test_a_task_that_waits_cannot_be_settled() -> None:
    graph = filled({"a": (), "b": ("a",)})
    with pytest.raises(ValueError, match="'b' is not ready"):
        graph.settle("b")


def test_a_task_cannot_end_twice() -> None:
    graph = filled({"a": (), "b": ()})
    graph.settle("a")
    with pytest.raises(ValueError, match="'a' ended twice"):
        graph.settle("a")
    assert list(graph.unsettled()) == ["b"]


def test_a_forgotten_task_may_be_added_again_and_holds_nothing_up() -> None:
    graph = filled({"a": (), "b": ("a",)})
    graph.forget("b")
    assert (len(graph), list(graph.unsettled())) == (1, ["a"])
    assert not graph.add("b", ["a"])
    # The one that is forgotten is told too.
    assert graph.settle("a") == ["b", "b"]
