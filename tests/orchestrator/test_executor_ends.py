"""How runs end that do not go to their end."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import anyio.lowlevel
import pytest

from engines import Outcome
from orchestrator import Executor
from planners import Node
from tests.orchestrator.plans import call


async def raise_at(where: str, cancelled: list[str]) -> None:
    """Runs a node that waits for ever beside a bug in the planner or in another node."""
    waits = anyio.Event()

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id == "bug":
            await waits.wait()
            raise ZeroDivisionError
        try:
            waits.set()
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(node.id)
            raise
        raise AssertionError("unreachable")

    executor = Executor(run)

    async def write_plan() -> None:
        executor.add(call("waits"))
        executor.add(call("never", "waits"))
        if where == "node":
            executor.add(call("bug"))
        else:
            await waits.wait()
            raise ZeroDivisionError

    await executor.run(write_plan)


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["node", "planner"])
async def test_a_bug_ends_the_run_and_cancels_what_runs(where: str) -> None:
    cancelled: list[str] = []
    with anyio.fail_after(300), pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await raise_at(where, cancelled)
    assert cancelled == ["waits"]


@pytest.mark.anyio
async def test_a_cancelled_executor_cancels_its_nodes() -> None:
    cancelled: list[str] = []
    release = anyio.Event()

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        release.set()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(node.id)
            raise
        raise AssertionError("unreachable")

    executor = Executor(run)

    async def write_plan() -> None:
        executor.add(call("1"))
        await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(executor.run, write_plan)
        await release.wait()
        group.cancel_scope.cancel()
    assert cancelled == ["1"]
    assert executor.outcomes == {}


@pytest.mark.anyio
async def test_the_first_failure_of_a_run_that_fails_fast_cancels_all_the_rest() -> None:
    release = anyio.Event()
    began: list[str] = []

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        began.append(node.id)
        if node.id == "runs":
            release.set()
            await anyio.sleep_forever()
        await release.wait()
        return Outcome("ok") if node.id == "done" else Outcome("failed", reason="no route")

    executor = Executor(run, fail_fast=True)

    async def write_plan() -> None:
        for node in (call("runs"), call("done"), call("fails", "done"), call("waits", "runs")):
            executor.add(node)
        await anyio.sleep_forever()

    with anyio.fail_after(300):
        await executor.run(write_plan)
    cancelled: Outcome[str] = Outcome("cancelled", reason="node 'fails' failed: no route")
    assert began == ["runs", "done", "fails"]
    assert executor.outcomes == {
        "runs": cancelled,
        "done": Outcome("ok"),
        "fails": Outcome("failed", reason="no route"),
        "waits": cancelled,
    }


@pytest.mark.anyio
async def test_of_two_nodes_that_fail_together_the_first_is_the_cause() -> None:
    together = anyio.Event()

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        await together.wait()
        return Outcome("failed", reason="no route")

    executor = Executor(run, fail_fast=True)

    async def write_plan() -> None:
        for node in (call("1"), call("2"), call("3", "1", "2")):
            executor.add(node)
        await anyio.wait_all_tasks_blocked()
        together.set()

    await executor.run(write_plan)
    first = next(iter(executor.outcomes))
    assert executor.outcomes["3"].reason == f"node {first!r} failed: no route"
    assert executor.outcomes.keys() == {"1", "2", "3"}


@pytest.mark.anyio
async def test_a_node_added_after_the_end_is_refused() -> None:
    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        raise AssertionError("unreachable")

    executor = Executor(run)
    await executor.run(anyio.lowlevel.checkpoint)
    with pytest.raises(RuntimeError):
        executor.add(call("late"))


@pytest.mark.anyio
async def test_a_node_that_ends_after_who_waits_for_it_was_cancelled_changes_nothing() -> None:
    shielded, cancelled = anyio.Event(), anyio.Event()

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id == "fails":
            await shielded.wait()
            return Outcome("failed", reason="no luck")
        # Such as a tool that cleans up.
        with anyio.CancelScope(shield=True):
            shielded.set()
            await cancelled.wait()
        return Outcome("ok", node.id)

    executor = Executor(run, fail_fast=True)

    async def write_plan() -> None:
        executor.add(call("fails"))
        executor.add(call("late"))
        try:
            await executor.wait(["fails", "late"])
        finally:
            cancelled.set()

    with anyio.fail_after(300):
        await executor.run(write_plan)
    assert executor.failure == "node 'fails' failed: no luck"
    assert executor.outcomes["late"].usable
