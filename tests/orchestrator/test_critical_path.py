from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engines import FifoQueue, Outcome, ReadyQueue
from orchestrator import Executor
from orchestrator.execution.critical_path import CriticalPathQueue, ExpectedSeconds
from planners import Call, Node, Reduce, Think
from tests.backends import run_virtually
from tests.orchestrator.plans import Dependencies, call, dags

Costs = dict[str, int]


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Dependencies, Costs]:
    dependencies = draw(dags())
    return dependencies, {task: draw(st.integers(0, 5)) for task in dependencies}


def queue_for(costs: Mapping[str, float]) -> CriticalPathQueue:
    return CriticalPathQueue(lambda node: costs[node.id])


def longest_ways(dependencies: Dependencies, costs: Mapping[str, float]) -> dict[str, float]:
    """By brute force: each way is followed to its end."""

    def way(task: str) -> float:
        after = (way(other) for other, needs in dependencies.items() if task in needs)
        return costs[task] + max(after, default=0)

    return {task: way(task) for task in dependencies}


@given(weighted(), st.data())
def test_a_rank_is_the_longest_way_to_the_end_of_what_is_there_so_far(
    plan: tuple[Dependencies, Costs], data: st.DataObject
) -> None:
    dependencies, costs = plan
    queue = queue_for(costs)
    added: Dependencies = {}
    taken: set[str] = set()
    pushed: set[str] = set()
    for task, needs in dependencies.items():
        queue.add(call(task, *needs))
        added[task] = needs
        for other, needed in added.items():
            if other not in pushed and taken.issuperset(needed):
                queue.push(call(other))
                pushed.add(other)
        if len(queue) and data.draw(st.booleans()):
            taken.add(queue.pop().id)
        expected = longest_ways(added, costs)
        for other in set(added) - taken:
            assert queue.rank(other) == expected[other]


@given(weighted())
def test_of_what_is_ready_the_longest_way_comes_first_and_equal_ones_as_in_the_plan(
    plan: tuple[Dependencies, Costs],
) -> None:
    dependencies, costs = plan
    queue = queue_for(costs)
    for task, needs in dependencies.items():
        queue.add(call(task, *needs))
    ready = [task for task, needs in dependencies.items() if not needs]
    for task in reversed(ready):
        queue.push(call(task))
    ways = longest_ways(dependencies, costs)
    assert len(queue) == len(ready)
    order = [queue.pop().id for _ in ready]
    assert order == sorted(ready, key=lambda task: (-ways[task], int(task)))
    with pytest.raises(IndexError):
        queue.pop()


def test_a_way_that_grows_brings_forward_a_node_that_is_ready_already() -> None:
    queue = queue_for({"early": 3, "late": 2, "after": 2})
    for task in ("early", "late"):
        queue.add(call(task))
        queue.push(call(task))
    queue.add(call("after", "late"))
    assert queue.pop().id == "late"


def test_the_priority_is_the_cost_as_far_as_it_is_known() -> None:
    assert queue_for({"a": 3}).add(call("a")) == -3


def test_a_node_that_was_not_added_is_refused() -> None:
    with pytest.raises(KeyError, match="unknown"):
        queue_for({}).push(call("unknown"))


@given(weighted(), st.data())
def test_while_up_to_eight_nodes_wait_every_one_counts_at_once(
    plan: tuple[Dependencies, Costs], data: st.DataObject
) -> None:
    dependencies, costs = plan
    queue = queue_for(costs)
    added: Dependencies = {}
    taken: set[str] = set()
    ready: set[str] = set()
    for task, needs in dependencies.items():
        queue.add(call(task, *needs))
        added[task] = needs
        for other in set(added) - taken - ready:
            if taken.issuperset(added[other]):
                queue.push(call(other))
                ready.add(other)
        if ready and (len(added) - len(taken) == 8 or data.draw(st.booleans())):
            ways = longest_ways(added, costs)
            best = max(ways[other] for other in ready)
            node = queue.pop().id
            assert ways[node] == best
            ready.remove(node)
            taken.add(node)


class CountingQueue(CriticalPathQueue):
    """Counts the nodes that are looked at when ranks are worked out."""

    steps = 0

    def _rank(self) -> None:
        self.steps += len(self._order)
        super()._rank()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30))
@example([(200, 0), *[(1, 1)] * 400])
@example([(200, 200), *[(1, 1)] * 400])
def test_ranks_cost_some_steps_a_node_however_adding_and_taking_alternate(
    turns: list[tuple[int, int]],
) -> None:
    queue = CountingQueue(lambda node: 1)
    added = 0
    for add, take in turns:
        for _ in range(add):
            node = call(str(added), *([str(added - 1)] if added % 7 else []))
            queue.add(node)
            # As if all before it had been taken; a queue does not look.
            queue.push(node)
            added += 1
        for _ in range(min(take, len(queue))):
            queue.pop()
    assert queue.steps <= 9 * added


# Through the executor, on virtual time, where nodes take what is expected of them.


def seconds_to_run(
    dependencies: Dependencies, costs: Mapping[str, float], workers: int, *, critical: bool
) -> float:
    async def run_node(node: Node, outcomes: Mapping[str, Outcome[None]]) -> Outcome[None]:
        await anyio.sleep(costs[node.id])
        return Outcome("ok")

    async def run() -> float:
        queue = queue_for(costs)
        order: tuple[ReadyQueue[Node], Callable[[Node], float]] = (
            (queue, queue.add) if critical else (FifoQueue(), lambda node: 0)
        )
        executor = Executor(run_node, concurrency=workers, queue=order[0], priority=order[1])
        for task, needs in dependencies.items():
            executor.add(call(task, *needs))
        await executor.run(anyio.lowlevel.checkpoint)
        assert len(executor.outcomes) == len(dependencies)
        return anyio.current_time()

    return run_virtually(run)


@given(weighted(), st.integers(1, 4))
def test_critical_path_first_keeps_grahams_bound(
    plan: tuple[Dependencies, Costs], workers: int
) -> None:
    dependencies, costs = plan
    longest = max(longest_ways(dependencies, costs).values())
    least = max(longest, sum(costs.values()) / workers)
    taken = seconds_to_run(dependencies, costs, workers, critical=True)
    assert least <= taken + 1e-9
    assert taken <= (2 - 1 / workers) * least + 1e-9


def test_critical_path_first_is_the_optimum_where_first_come_first_served_is_nearly_twice_that() -> (
    None
):
    workers, length = 4, 12
    # As much work as fills all workers but one, and a chain that comes last and keeps one busy all the time.
    plan: Dependencies = {f"short-{i}": () for i in range((workers - 1) * length)}
    plan |= {f"chain-{i}": (f"chain-{i - 1}",) if i else () for i in range(length)}
    costs = dict.fromkeys(plan, 1.0)
    assert seconds_to_run(plan, costs, workers, critical=True) == length
    assert seconds_to_run(plan, costs, workers, critical=False) == 9 + length


def test_what_nodes_are_expected_to_take() -> None:
    usual = {"search": 3.0}
    expected = ExpectedSeconds(
        think_tokens=500, reduce_tokens=100, seconds_per_token=0.01, tools=usual, tool=0.5
    )
    nodes = (
        Think(id="1"),
        Reduce(id="2", inputs=("1",), reducer="synthesise"),
        Call(id="3", tool="search"),
        Call(id="4", tool="other"),
    )
    assert [expected(node) for node in nodes] == [5.0, 1.0, 3.0, 0.5]
    usual["other"] = 0.1
    assert expected(nodes[-1]) == 0.1


def test_what_is_known_of_methods_and_reducers_counts_up_to_the_limit_of_a_node() -> None:
    expected = ExpectedSeconds(
        think_tokens=500,
        reduce_tokens=100,
        seconds_per_token=1.0,
        tokens={"plain": 200, "long": 9000, "vote": 0},
        method="plain",
    )
    nodes = (
        Think(id="1"),
        Think(id="2", max_tokens=50),
        Think(id="3", method="long"),
        Think(id="4", method="unknown", max_tokens=400),
        Reduce(id="5", inputs=("1",), reducer="vote"),
        Reduce(id="6", inputs=("1",), reducer="unknown"),
    )
    assert [expected(node) for node in nodes] == [200, 50, 500, 400, 0, 100]
    assert replace(expected, reducer="vote")(nodes[-1]) == 0
