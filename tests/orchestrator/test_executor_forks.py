"""Nodes that add nodes and wait for them, and planners that wait for nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Outcome
from orchestrator import Executor
from planners import Node
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.plans import call

anyio_backend = backends.virtual_backend

RunNode = Callable[[Executor[int], Node], Awaitable[int]]


async def execute(run_node: RunNode, *roots: Node, concurrency: int | None) -> Executor[int]:
    async def run(node: Node, outcomes: Mapping[str, Outcome[int]]) -> Outcome[int]:
        return Outcome("ok", await run_node(executor, node))

    executor = Executor(run, concurrency=concurrency)

    async def write_plan() -> None:
        for node in roots:
            executor.add(node)

    with anyio.fail_after(1000):
        await executor.run(write_plan)
    return executor


def sums(width: int, depth: int, running: list[int]) -> RunNode:
    """A tree of forks, each of which adds up what its branches give; `running` is now and the most."""
    levels = {"root": 0}

    def count(number: int) -> None:
        running[0] += number
        running[1] = max(running)

    async def run(executor: Executor[int], node: Node) -> int:
        count(1)
        await anyio.sleep(1)
        total = 1
        if levels[node.id] < depth:
            branches = [str(len(levels) + branch) for branch in range(width)]
            levels.update(dict.fromkeys(branches, levels[node.id] + 1))
            for branch in branches:
                executor.add(call(branch))
            count(-1)
            outcomes = await executor.wait(branches)
            count(1)
            assert [*outcomes] == branches
            total += sum(outcome.value or 0 for outcome in outcomes.values())
            await anyio.sleep(1)
        count(-1)
        return total

    return run


@given(st.integers(1, 3), st.integers(0, 4), st.one_of(st.none(), st.integers(1, 4)))
def test_forks_nest_to_any_depth_at_any_concurrency(
    width: int, depth: int, concurrency: int | None
) -> None:
    running = [0, 0]
    executor = run_virtually(
        lambda: execute(sums(width, depth, running), call("root"), concurrency=concurrency)
    )
    nodes = sum(width**level for level in range(depth + 1))
    assert executor.outcomes["root"].value == len(executor.outcomes) == nodes
    assert running[0] == 0
    assert running[1] <= (concurrency or nodes)
    statistics = executor.statistics()
    assert (statistics.ended, statistics.running, statistics.workers) == (nodes, 0, 0)
    # Waits leave nothing behind.
    assert len(executor._graph) == nodes


def test_a_deep_fork_runs_on_one_place() -> None:
    running = [0, 0]
    executor = run_virtually(lambda: execute(sums(1, 200, running), call("root"), concurrency=1))
    assert executor.outcomes["root"].value == 201
    assert running == [0, 1]


def test_a_node_comes_back_before_others_that_are_ready_begin() -> None:
    order: list[str] = []

    async def run(executor: Executor[int], node: Node) -> int:
        order.append(node.id)
        await anyio.sleep(1)
        if node.id == "fork":
            executor.add(call("branch"))
            executor.add(call("late"))
            await executor.wait(["branch"])
            order.append("fork again")
        return 0

    run_virtually(lambda: execute(run, call("fork"), call("early"), concurrency=1))
    assert order == ["fork", "early", "branch", "fork again", "late"]


@pytest.mark.anyio
async def test_outcomes_that_are_there_already_are_given_at_once_and_in_the_order_asked() -> None:
    async def run(executor: Executor[int], node: Node) -> int:
        if node.id == "last":
            outcomes = await executor.wait(["b", "a", "b"])
            assert [*outcomes] == ["b", "a"]
        return len(node.id)

    executor = await execute(run, call("a"), call("b"), call("last", "a", "b"), concurrency=1)
    assert len(executor.outcomes) == 3


@pytest.mark.anyio
async def test_parts_of_one_node_may_wait_side_by_side() -> None:
    most = now = 0

    async def run(executor: Executor[int], node: Node) -> int:
        nonlocal most, now
        if node.id == "parts":

            async def part(name: str) -> None:
                executor.add(call(name))
                await executor.wait([name])

            async with anyio.create_task_group() as group:
                for number in range(5):
                    group.start_soon(part, f"branch-{number}")
            return 0
        now += 1
        most = max(most, now)
        await anyio.lowlevel.checkpoint()
        now -= 1
        return 0

    others = [call(f"other-{number}") for number in range(5)]
    executor = await execute(run, call("parts"), *others, concurrency=1)
    assert len(executor.outcomes) == 11
    # The node lends one place, however many of its parts wait.
    assert most == 1
    assert executor.statistics().workers == 0


@pytest.mark.anyio
async def test_a_planner_may_wait_for_nodes_and_go_on_from_what_they_gave() -> None:
    async def run(node: Node, outcomes: Mapping[str, Outcome[int]]) -> Outcome[int]:
        return Outcome("failed", reason="no route") if node.id == "1" else Outcome("ok", 2)

    executor = Executor(run, concurrency=1)

    async def write_plan() -> None:
        executor.add(call("1"))
        first = await executor.wait(["1"])
        assert first == {"1": Outcome("failed", reason="no route")}
        executor.add(call("instead"))

    with anyio.fail_after(300):
        await executor.run(write_plan)
    assert executor.outcomes["instead"] == Outcome("ok", 2)


def test_a_wait_that_is_given_up_goes_on_at_once_and_the_limit_holds_again_afterwards() -> None:
    began: dict[str, float] = {}
    given_up: list[float] = []

    async def run(executor: Executor[int], node: Node) -> int:
        began[node.id] = anyio.current_time()
        if node.id == "fork":
            executor.add(call("slow"))
            with anyio.move_on_after(3):
                await executor.wait(["slow"])
            given_up.append(anyio.current_time())
        await anyio.sleep(10)
        return 0

    executor = run_virtually(lambda: execute(run, call("fork"), call("next"), concurrency=1))
    assert began == {"fork": 0, "next": 0, "slow": 13}
    assert given_up == [3]
    assert executor.statistics().workers == 0


@pytest.mark.anyio
@pytest.mark.parametrize("cancel", ["node", "run"])
async def test_a_cancelled_run_leaves_no_node_that_waits(cancel: str) -> None:
    waits = anyio.Event()
    cancelled: list[str] = []

    async def run(executor: Executor[int], node: Node) -> int:
        try:
            if node.id == "fork":
                executor.add(call("branch"))
                await executor.wait(["branch"])
            waits.set()
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(node.id)
            raise
        return 0

    async def run_all() -> None:
        await execute(run, call("fork"), concurrency=1)

    async with anyio.create_task_group() as group:
        group.start_soon(run_all)
        await waits.wait()
        group.cancel_scope.cancel()
    assert sorted(cancelled) == ["branch", "fork"]


@pytest.mark.anyio
async def test_a_name_that_is_not_there_cannot_be_waited_for() -> None:
    async def run(executor: Executor[int], node: Node) -> int:
        with pytest.raises(KeyError, match="nobody"):
            await executor.wait(["nobody"])
        if node.id == "fork":
            executor.add(call("branch"))
        return 0

    executor = await execute(run, call("fork"), concurrency=1)
    assert len(executor.outcomes) == 2
    assert executor.statistics().workers == 0


@pytest.mark.parametrize("others", [0, 1])
def test_nodes_that_wait_for_each_other_are_a_bug_and_no_hang(others: int) -> None:
    async def run(executor: Executor[int], node: Node) -> int:
        if node.id == "a":
            await executor.wait(["needs-a"])
        await anyio.sleep(5)
        return 0

    nodes = [call("a"), call("needs-a", "a"), *(call(f"other-{i}") for i in range(others))]
    with pytest.RaisesGroup(
        pytest.RaisesExc(RuntimeError, match=r"nodes \['a'\] wait for nodes that cannot begin"),
        flatten_subgroups=True,
    ):
        run_virtually(lambda: execute(run, *nodes, concurrency=2))


@pytest.mark.anyio
async def test_an_executor_inside_a_node_lends_nothing_of_the_one_outside() -> None:
    workers: list[int] = []

    async def run_inside(node: Node, outcomes: Mapping[str, Outcome[int]]) -> Outcome[int]:
        workers.append(outside.statistics().workers)
        return Outcome("ok", 1)

    async def run(node: Node, outcomes: Mapping[str, Outcome[int]]) -> Outcome[int]:
        inside = Executor(run_inside)

        async def write_plan() -> None:
            inside.add(call("x"))
            await inside.wait(["x"])

        await inside.run(write_plan)
        return Outcome("ok", 0)

    async def write_plan() -> None:
        outside.add(call("1"))
        outside.add(call("2"))

    outside: Executor[int] = Executor(run, concurrency=1)
    await outside.run(write_plan)
    assert workers == [1, 1]
    assert len(outside.outcomes) == 2
