from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.lowlevel
import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Outcome, PriorityQueue, UsageError
from orchestrator import Executor
from orchestrator.execution.executor import ExecutorStatistics
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
    dependencies: Dependencies, seconds: Mapping[str, float], *, concurrency: int | None = 64
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


def test_without_a_limit_all_nodes_run_at_once() -> None:
    work = execute(
        {str(task): () for task in range(500)},
        {str(task): 1.0 for task in range(500)},
        concurrency=None,
    )
    assert work.most == 500
    assert max(work.ended.values()) == 1.0


def test_a_concurrency_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="a concurrency of 0 runs nothing"):
        Executor(Work({}).run, concurrency=0)


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

    with anyio.fail_after(300):
        await executor.run(write_plan)
    assert ended == ["fast", "next", "slow"]


@pytest.mark.anyio
async def test_a_plan_without_nodes_ends() -> None:
    executor = Executor(Work({}).run)

    async def write_plan() -> None:
        await anyio.lowlevel.checkpoint()

    with anyio.fail_after(300):
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


@pytest.mark.anyio
async def test_nodes_that_never_suspend_run_on_few_workers_and_let_others_have_their_turn() -> None:
    workers: set[int] = set()
    others = 0
    seen: list[int] = []

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        workers.add(anyio.get_current_task().id)
        seen.append(others)
        return Outcome("ok")

    async def run_others() -> None:
        nonlocal others
        while len(seen) < 1000:
            others += 1
            await anyio.lowlevel.checkpoint()

    executor = Executor(run, concurrency=None)

    async def write_plan() -> None:
        for number in range(1000):
            executor.add(call(str(number)))

    async with anyio.create_task_group() as group:
        group.start_soon(run_others)
        await executor.run(write_plan)
    # With each turn of the loop one worker more, each of which runs 16 nodes: 16 * (1 + 2 + ... + 11) > 1000.
    assert len(workers) < 20
    assert len(set(seen)) >= 8


@pytest.mark.anyio
async def test_a_worker_goes_from_node_to_node_of_a_chain() -> None:
    workers: set[int] = set()

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        workers.add(anyio.get_current_task().id)
        await anyio.lowlevel.checkpoint()
        return Outcome("ok")

    executor = Executor(run)

    async def write_plan() -> None:
        executor.add(call("0"))
        for number in range(1, 100):
            executor.add(call(str(number), str(number - 1)))

    await executor.run(write_plan)
    assert len(workers) == 1


def test_ready_nodes_come_in_the_order_of_their_priority_which_is_asked_when_they_are_added() -> (
    None
):
    work = Work({})
    priorities = {"last": 3.0, "first": 1.0, "second": 2.0, "next": 4.0}

    async def run() -> None:
        executor = Executor(
            work.run,
            concurrency=1,
            queue=PriorityQueue(),
            priority=lambda node: priorities.pop(node.id),
        )
        for node in (call("last"), call("first"), call("second"), call("next", "second")):
            executor.add(node)
        assert priorities == {}
        await executor.run(anyio.lowlevel.checkpoint)

    run_virtually(run)
    assert [*work.began] == ["first", "second", "last", "next"]


@pytest.mark.anyio
async def test_what_a_node_sets_in_its_context_stays_out_of_nodes_on_other_workers() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    seen: dict[str, str] = {}

    async def run(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        seen[node.id] = variable.get()
        variable.set(node.id)
        if node.id == "parent":
            executor.add(call("child"))
            await executor.wait(["child"])
        return Outcome("ok")

    executor = Executor(run)
    variable.set("caller's")

    async def write_plan() -> None:
        executor.add(call("parent"))

    await executor.run(write_plan)
    assert seen == {"parent": "caller's", "child": "caller's"}


def test_statistics_count_every_node_in_one_state() -> None:
    work = Work({"1": 1.0, "2": 2.0})
    seen: list[ExecutorStatistics] = []

    async def run() -> None:
        executor = Executor(work.run, concurrency=2)

        async def write_plan() -> None:
            for node in (call("1"), call("2"), call("3"), call("4", "2")):
                executor.add(node)
            for seconds in (0.5, 1, 1):
                await anyio.sleep(seconds)
                seen.append(executor.statistics())

        await executor.run(write_plan)

    run_virtually(run)
    of = partial(ExecutorStatistics, added=4)
    assert seen == [
        of(waiting=2, running=2, ended=0, workers=2),
        of(waiting=1, running=1, ended=2, workers=1),
        of(waiting=0, running=0, ended=4, workers=0),
    ]
