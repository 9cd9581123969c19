"""Nodes that nobody here can end: what needs them waits too, the rest runs, and whoever waits for them is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engines import Outcome
from orchestrator import Executor
from planners import Call, Node
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.plans import Dependencies, call, dags

anyio_backend = backends.virtual_backend


async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str] | None:
    """Holds the nodes whose names say so, after others had their turn."""
    assert isinstance(node, Call)
    await anyio.lowlevel.checkpoint()
    return None if node.id.startswith("held") else Outcome("ok", node.id)


@pytest.mark.anyio
@pytest.mark.parametrize("concurrency", [1, 2, None])
async def test_what_needs_a_held_node_waits_and_the_rest_runs(concurrency: int | None) -> None:
    executor: Executor[str] = Executor(run_node, concurrency=concurrency)

    async def write() -> None:
        for node in (call("held"), call("b", "held"), call("c", "b"), call("d"), call("e", "d")):
            executor.add(node)

    await executor.run(write)
    assert set(executor.outcomes) == {"d", "e"}
    statistics = executor.statistics()
    assert (statistics.waiting, statistics.running, statistics.workers) == (3, 0, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("concurrency", [1, 2, None])
async def test_a_writer_that_waits_for_one_is_cancelled_once_the_rest_has_run(
    concurrency: int | None,
) -> None:
    executor: Executor[str] = Executor(run_node, concurrency=concurrency)
    log: list[str] = []

    async def write() -> None:
        for node in (call("held"), call("b"), call("c", "b"), call("d", "c")):
            executor.add(node)
        log.append(",".join(await executor.wait(["b"])))
        executor.add(call("e", "d"))
        try:
            await executor.wait(["b", "held"])
        finally:
            log.append("left")
        log.append("never")

    await executor.run(write)
    assert log == ["b", "left"]
    assert set(executor.outcomes) == {"b", "c", "d", "e"}


@pytest.mark.anyio
async def test_a_writer_that_begins_to_wait_when_nothing_runs_any_more_is_cancelled() -> None:
    held = anyio.Event()

    async def hold(node: Node, outcomes: Mapping[str, Outcome[str]]) -> None:
        held.set()

    executor: Executor[str] = Executor(hold)

    async def write() -> None:
        executor.add(call("held"))
        await held.wait()
        # The worker has ended too.
        await anyio.wait_all_tasks_blocked()
        await executor.wait(["held"])
        raise AssertionError

    await executor.run(write)
    assert executor.outcomes == {}


def test_who_waits_for_a_person_is_not_taken_for_idle() -> None:
    async def asking(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str] | None:
        if node.id == "asks":
            await executor.aside(partial(anyio.sleep, 100))
        return await run_node(node, outcomes)

    executor: Executor[str] = Executor(asking, concurrency=1)

    async def main() -> float:
        async def write() -> None:
            for node in (call("held"), call("asks")):
                executor.add(node)
            await executor.wait(["held"])

        await executor.run(write)
        return anyio.current_time()

    assert run_virtually(main) == pytest.approx(100)
    assert set(executor.outcomes) == {"asks"}


def test_a_node_that_waits_for_a_held_one_is_cancelled_with_the_writer() -> None:
    async def forking(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str] | None:
        if node.id == "parent":
            executor.add(call("held"))
            await executor.wait(["held"])
            raise AssertionError
        return await run_node(node, outcomes)

    executor: Executor[str] = Executor(forking, concurrency=1)

    async def main() -> None:
        async def write() -> None:
            for node in (call("parent"), call("b")):
                executor.add(node)

        await executor.run(write)

    run_virtually(main)
    assert set(executor.outcomes) == {"b"}


@given(
    tasks=dags(),
    held=st.sets(st.integers(0, 5), max_size=2),
    looks=st.sets(st.integers(0, 11), max_size=3),
    concurrency=st.integers(1, 4),
)
@example(tasks={"0": (), "1": (), "2": ()}, held={0}, looks={1}, concurrency=2)
def test_exactly_what_needs_no_held_node_ends(
    tasks: Dependencies, held: set[int], looks: set[int], concurrency: int
) -> None:
    """The writer is left where it looks at the first node that cannot come, and goes on after every other one."""
    names = {str(number) for number in held}
    added: list[str] = []

    async def holding(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str] | None:
        await anyio.sleep(len(node.id))
        return None if node.id in names else Outcome("ok", node.id)

    executor: Executor[str] = Executor(holding, concurrency=concurrency)

    async def write() -> None:
        for name, needs in tasks.items():
            executor.add(call(name, *needs))
            added.append(name)
            if int(name) in looks:
                assert (await executor.wait([name]))[name].usable

    run_virtually(lambda: executor.run(write))
    reached: set[str] = set()
    expected: list[str] = []
    for name, needs in tasks.items():
        expected.append(name)
        if name not in names and set(needs) <= reached:
            reached.add(name)
        elif int(name) in looks:
            break
    assert added == expected
    assert set(executor.outcomes) == reached
