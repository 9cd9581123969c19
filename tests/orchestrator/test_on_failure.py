from __future__ import annotations

from collections.abc import Mapping

import anyio.lowlevel
import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Outcome
from orchestrator import Executor
from orchestrator.on_failure import ON_FAILURE, OnFailure, blocked, reasons, substitute
from planners import Node, Reduce, Reference, Template, Think
from tests.backends import run_virtually
from tests.orchestrator.plans import Dependencies, call, dags

FAILED: Outcome[str] = Outcome("failed", reason="no route")
CANCELLED: Outcome[str] = Outcome("cancelled", reason="node '0' failed: late")
GIVEN: Outcome[str] = Outcome("ok", "42")
CUT: Outcome[str] = Outcome("truncated", "4", "it reached its token limit")


@pytest.mark.parametrize("choice", ON_FAILURE)
def test_a_node_with_all_its_inputs_runs(choice: OnFailure) -> None:
    assert blocked(call("3", "1", "2"), {"1": GIVEN, "2": CUT}, choice) is None
    assert blocked(call("3"), {}, choice) is None


@pytest.mark.parametrize("choice", ["skip", "fail"])
def test_a_node_without_an_input_is_cancelled_with_the_first_cause(choice: OnFailure) -> None:
    inputs = {"1": GIVEN, "2": FAILED, "3": CANCELLED}
    assert blocked(call("4", "1", "2", "3"), inputs, choice) == Outcome(
        "cancelled", reason="node '2' failed: no route; node '0' failed: late"
    )


@pytest.mark.parametrize("choice", ON_FAILURE)
def test_a_reduction_goes_on_with_what_is_there(choice: OnFailure) -> None:
    node = Reduce(id="3", inputs=("1", "2"), reducer="majority")
    assert blocked(node, {"1": GIVEN, "2": FAILED}, choice) is None


def test_a_text_stands_in_for_a_result_but_not_for_a_thread_to_go_on_from() -> None:
    node = Think(id="3", after="1", prompt=Template(parts=("see ", Reference(node="2"))))
    assert blocked(node, {"1": GIVEN, "2": FAILED}, "substitute") is None
    assert blocked(node, {"1": FAILED, "2": GIVEN}, "substitute") == Outcome(
        "cancelled", reason="node '1' failed: no route"
    )
    assert "no route" in substitute(FAILED)


def test_the_same_cause_is_told_once() -> None:
    assert reasons({"1": CANCELLED, "2": CANCELLED}) == CANCELLED.reason


# Through the executor, as a run uses them.


def run_all(
    dependencies: Dependencies, failing: set[str], choice: OnFailure
) -> Mapping[str, Outcome[str]]:
    async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        inputs = {need: outcomes[need] for need in node.dependencies}
        cancelled = blocked(node, inputs, choice)
        if cancelled is not None:
            return cancelled
        await anyio.lowlevel.checkpoint()
        return FAILED if node.id in failing else GIVEN

    async def run() -> Mapping[str, Outcome[str]]:
        executor = Executor(run_node, fail_fast=choice == "fail")
        for task, needs in dependencies.items():
            executor.add(call(task, *needs))
        await executor.run(anyio.lowlevel.checkpoint)
        return executor.outcomes

    return run_virtually(run)


def descendants(dependencies: Dependencies, tasks: set[str]) -> set[str]:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(dependencies)
    graph.add_edges_from((n, task) for task, needs in dependencies.items() for n in needs)
    return {other for task in tasks for other in networkx.descendants(graph, task)}


@st.composite
def failing_plans(draw: st.DrawFn) -> tuple[Dependencies, set[str]]:
    dependencies = draw(dags())
    return dependencies, draw(st.sets(st.sampled_from(sorted(dependencies))))


@given(failing_plans())
def test_exactly_the_descendants_of_failed_nodes_are_skipped(
    plan: tuple[Dependencies, set[str]],
) -> None:
    dependencies, failing = plan
    outcomes = run_all(dependencies, failing, "skip")
    skipped = descendants(dependencies, failing)
    for task, outcome in outcomes.items():
        expected = "cancelled" if task in skipped else "failed" if task in failing else "ok"
        assert outcome.status == expected
        if task in skipped:
            causes = outcome.reason.split("; ")
            roots = {cause: cause.split("'")[1] for cause in causes}
            assert all(task in descendants(dependencies, {root}) for root in roots.values())
            assert set(roots.values()) <= failing - skipped


@given(failing_plans())
def test_with_substitutes_only_what_fails_itself_fails(
    plan: tuple[Dependencies, set[str]],
) -> None:
    dependencies, failing = plan
    outcomes = run_all(dependencies, failing, "substitute")
    assert {task for task, outcome in outcomes.items() if outcome.status != "ok"} == failing


@given(failing_plans())
def test_after_the_first_failure_every_node_has_an_outcome_and_no_other_fails(
    plan: tuple[Dependencies, set[str]],
) -> None:
    dependencies, failing = plan
    outcomes = run_all(dependencies, failing, "fail")
    assert outcomes.keys() == dependencies.keys()
    statuses = [outcome.status for outcome in outcomes.values()]
    if failing:
        first = next(task for task, outcome in outcomes.items() if outcome.status == "failed")
        for task, outcome in outcomes.items():
            if outcome.status == "cancelled":
                assert outcome.reason == f"node {first!r} failed: no route", task
    else:
        assert set(statuses) == {"ok"}
