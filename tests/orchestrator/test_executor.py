from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Outcome
from orchestrator import Executor
from planners import Node
from tests.backends import run_virtually
from tests.orchestrator.plans import Dependencies, call, dags


@dataclass
class Work:
    """Runs nodes by waiting, and notes when each began and ended."""

    seconds: Mapping[str, float]
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    running: int = 0
    most: int = 0

    async def run(self, node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        assert set(node.dependencies) <= set(outcomes)
        assert node.id not in self.began
        self.began[node.id] = anyio.current_time()
        self.running += 1
        self.most = max(self.most, self.running)
        await anyio.sleep(self.seconds.get(node.id, 0))
        self.running -= 1
        self.ended[node.id] = anyio.current_time()
        return Outcome("ok", node.id)


def execute(
    dependencies: Dependencies, seconds: Mapping[str, float], *, concurrency: int = 64
) -> Work:
    work = Work(seconds)

    async def run() -> None:
        executor = Executor(work.run, concurrency=concurrency)

        async def write_plan() -> None:
            for task, needs in dependencies.items():
                executor.add(call(task, *needs))

        await executor.run(write_plan)
        assert executor.outcomes == {task: Outcome("ok", task) for task in dependencies}

    run_virtually(run)
    return work


def durations(dependencies: Dependencies) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries({task: st.integers(0, 5) for task in dependencies})


def longest_path(dependencies: Dependencies, seconds: Mapping[str, float]) -> float:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(dependencies)
    graph.add_edges_from((n, task) for task, needs in dependencies.items() for n in needs)
    paths: dict[str, float] = {}
    for task in networkx.topological_sort(graph):
        before = max((paths[needed] for needed in dependencies[task]), default=0)
        paths[task] = before + seconds[task]
    return max(paths.values())


@given(dags(), st.data())
def test_with_enough_workers_a_node_starts_when_its_last_input_ends(
    dependencies: Dependencies, data: st.DataObject
) -> None:
    seconds = data.draw(durations(dependencies))
    work = execute(dependencies, seconds)
    for task, needs in dependencies.items():
        assert work.began[task] == max((work.ended[needed] for needed in needs), default=0)
    assert max(work.ended.values()) == longest_path(dependencies, seconds)


@given(dags(), st.data(), st.integers(1, 4))
def test_no_more_nodes_run_than_there_are_workers_and_none_waits_for_nothing(
    dependencies: Dependencies, data: st.DataObject, concurrency: int
) -> None:
    seconds = data.draw(durations(dependencies))
    work = execute(dependencies, seconds, concurrency=concurrency)
    assert work.most <= concurrency
    # Graham's bound holds for every schedule that leaves no worker idle while a node is ready.
    total, longest = sum(seconds.values()), longest_path(dependencies, seconds)
    assert max(work.ended.values()) <= (total - longest) / concurrency + longest + 1e-9


def test_a_wide_plan_uses_every_worker() -> None:
    work = execute(
        {str(task): () for task in range(10)}, dict.fromkeys("0123456789", 1.0), concurrency=4
    )
    assert work.most == 4
    assert max(work.ended.values()) == 3.0


def test_the_successor_of_a_fast_branch_does_not_wait_for_a_slow_sibling() -> None:
    work = execute({"fast": (), "slow": (), "next": ("fast",)}, {"fast": 0.1, "slow": 1.0})
    assert work.began["next"] == 0.1
    assert work.ended["slow"] == 1.0


def test_nodes_run_while_the_plan_is_still_written() -> None:
    work = Work({"1": 3.0, "2": 0.5})

    async def run() -> float:
        executor = Executor(work.run)

        async def write_plan() -> None:
            await anyio.sleep(1)
            executor.add(call("1"))
            await anyio.sleep(1)
            executor.add(call("2"))
            await anyio.sleep(1)
            executor.add(call("3", "1", "2"))

        await executor.run(write_plan)
        return anyio.current_time()

    end = run_virtually(run)
    assert work.began == {"1": 1.0, "2": 2.0, "3": 4.0}
    assert end == 4.0


def test_a_node_written_after_its_input_ended_starts_at_once() -> None:
    work = Work({})

    async def run() -> None:
        executor = Executor(work.run)

        async def write_plan() -> None:
            executor.add(call("1"))
            await anyio.sleep(5)
            executor.add(call("2", "1"))
            await anyio.sleep(5)

        await executor.run(write_plan)

    run_virtually(run)
    assert work.began == {"1": 0.0, "2": 5.0}


@pytest.mark.anyio
async def test_nodes_run_in_the_order_of_their_dependencies() -> None:
    work = Work({})
    executor = Executor(work.run)

    async def write_plan() -> None:
        for node in (call("a"), call("b", "a"), call("c", "a"), call("d", "b", "c")):
            executor.add(node)

    await executor.run(write_plan)
    first, *middle, last = work.ended
    assert (first, sorted(middle), last) == ("a", ["b", "c"], "d")


@pytest.mark.anyio
async def test_a_slow_sibling_holds_nobody_up() -> None:
    release = anyio.Event()
    ended: list[str] = []

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id == "slow":
            await release.wait()
        if node.id == "next":
            release.set()
        ended.append(node.id)
        return Outcome("ok", node.id)

    executor = Executor(run)

    async def write_plan() -> None:
        for node in (call("slow"), call("fast"), call("next", "fast")):
            executor.add(node)

    with anyio.fail_after(30):
        await executor.run(write_plan)
    assert ended == ["fast", "next", "slow"]


@pytest.mark.anyio
async def test_a_plan_without_nodes_ends() -> None:
    executor = Executor(Work({}).run)

    async def write_plan() -> None:
        await anyio.lowlevel.checkpoint()

    with anyio.fail_after(30):
        await executor.run(write_plan)
    assert executor.outcomes == {}


@pytest.mark.anyio
async def test_a_failed_outcome_is_data_and_its_successor_decides() -> None:
    seen: list[str] = []

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        seen.extend(outcomes[name].status for name in node.dependencies)
        return Outcome("failed", reason="broken")

    executor = Executor(run)

    async def write_plan() -> None:
        executor.add(call("1"))
        executor.add(call("2", "1"))

    await executor.run(write_plan)
    assert seen == ["failed"]


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
    with anyio.fail_after(30), pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
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
