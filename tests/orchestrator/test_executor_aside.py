"""Nodes that wait for what no node brings, such as a person's answer, keep nobody from running."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import anyio
import pytest

from engines import Outcome
from orchestrator import Executor
from planners import Node, Think
from tests.backends import run_virtually


def plan_of(executor: Executor[str], *names: str) -> None:
    for name in names:
        executor.add(Think(id=name))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_node_lends_its_place_while_it_waits_for_the_world(concurrency: int) -> None:
    log: list[tuple[str, float]] = []
    most = running = 0

    async def work(seconds: float) -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await anyio.sleep(seconds)
        running -= 1

    async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id.startswith("asks"):
            await executor.aside(partial(anyio.sleep, 100))
        await work(10)
        log.append((node.id, anyio.current_time()))
        return Outcome("ok", node.id)

    executor: Executor[str] = Executor(run_node, concurrency=concurrency)

    async def main() -> None:
        async def write() -> None:
            plan_of(executor, "asks1", "asks2", "a", "b", "c", "d")

        await executor.run(write)

    run_virtually(main)
    ends = dict(log)
    assert max(ends[name] for name in "abcd") == 40 / concurrency
    assert max(ends.values()) == pytest.approx(120 if concurrency == 1 else 110)
    assert most == concurrency


def test_nobody_is_stuck_while_the_world_is_waited_for() -> None:
    async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id == "parent":
            executor.add(Think(id="child"))
            return (await executor.wait(["child"]))["child"]
        await executor.aside(partial(anyio.sleep, 100))
        # A node that comes and goes while only the world is waited for looks whether anybody is left.
        return Outcome("ok", "answered")

    executor: Executor[str] = Executor(run_node, concurrency=1)

    async def main() -> None:
        await executor.run(partial(_later, executor))

    async def _later(executor: Executor[str]) -> None:
        plan_of(executor, "parent")
        await anyio.sleep(50)
        plan_of(executor, "other")

    run_virtually(main)
    assert executor.outcomes["parent"].value == "answered"
    assert executor.statistics().workers == 0


def test_what_is_raised_aside_is_raised_in_the_node_which_has_a_place_again() -> None:
    caught: list[int] = []

    async def fail() -> None:
        await anyio.sleep(1)
        raise ValueError("no")

    async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        try:
            await executor.aside(fail)
        except ValueError:
            caught.append(executor.statistics().workers)
        return Outcome("ok", "x")

    executor: Executor[str] = Executor(run_node, concurrency=1)

    async def main() -> None:
        async def write() -> None:
            plan_of(executor, "a", "b")

        await executor.run(write)

    run_virtually(main)
    assert caught == [1, 1]
    assert executor.statistics().workers == 0


def test_a_node_that_is_cancelled_aside_goes_on_at_once() -> None:
    async def run_node(node: Node, outcomes: Mapping[str, Outcome[str]]) -> Outcome[str]:
        if node.id == "long":
            await anyio.sleep(1000)
            return Outcome("ok", "long")
        with anyio.move_on_after(5):
            await executor.aside(anyio.sleep_forever)
        return Outcome("ok", f"{anyio.current_time():g}")

    executor: Executor[str] = Executor(run_node, concurrency=1)

    async def main() -> None:
        async def write() -> None:
            plan_of(executor, "asks", "long")

        await executor.run(write)

    run_virtually(main)
    assert executor.outcomes["asks"].value == "5"
    assert executor.statistics().workers == 0
