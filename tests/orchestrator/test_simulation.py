from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import CallLimiter, FakeEngine, Outcome, Sampling, UsageError
from orchestrator import Agent, Tool, tool
from orchestrator.execution.critical_path import CriticalPathQueue, ExpectedSeconds
from orchestrator.execution.executor import Executor
from orchestrator.forecasting.simulation import Simulation, simulate
from planners import (
    Argument,
    Call,
    GivenPlanner,
    Node,
    Plan,
    Reduce,
    Reference,
    Template,
    Think,
)
from tests.backends import run_virtually
from tests.orchestrator.plans import Dependencies, call, dags

Costs = dict[str, float]


@dataclass(frozen=True)
class Weighted:
    """A plan of calls, each of a tool of its own, with what each takes."""

    plan: Plan
    expected: ExpectedSeconds

    @property
    def seconds(self) -> Costs:
        return {node.id: self.expected(node) for node in self.plan.nodes}


def weigh(dependencies: Dependencies, costs: Mapping[str, float]) -> Weighted:
    nodes = [
        call(name, *needs).model_copy(update={"tool": name}) for name, needs in dependencies.items()
    ]
    return Weighted(Plan(nodes=tuple(nodes)), ExpectedSeconds(think_tokens=0, tools=costs))


@st.composite
def weighted(draw: st.DrawFn) -> Weighted:
    """No two sums of costs are equal, so that no two nodes end at the same time; and all are exact."""
    dependencies = draw(dags())
    whole = {name: draw(st.integers(0, 20)) for name in dependencies}
    return weigh(dependencies, {name: whole[name] + 0.5 ** (i + 1) for i, name in enumerate(whole)})


def longest(plan: Plan, costs: Costs) -> float:
    ends: Costs = {}
    for node in plan.nodes:
        ends[node.id] = costs[node.id] + max((ends[name] for name in node.dependencies), default=0)
    return max(ends.values())


def thinking(plan: Plan) -> Plan:
    """The same shape, where nodes think; their limits are the whole parts of what the calls took."""
    return Plan(
        nodes=tuple(
            Think(id=node.id, max_tokens=int(node.id) + 1, prompt=_mentions(node.dependencies))
            for node in plan.nodes
        )
    )


def _mentions(names: tuple[str, ...]) -> Template:
    return Template(parts=tuple(Reference(node=name) for name in names))


# Against theory


@given(weighted())
def test_without_limits_a_plan_takes_as_long_as_its_critical_path(one: Weighted) -> None:
    found = simulate(one.plan, one.expected)
    assert found.seconds == found.critical_seconds == longest(one.plan, one.seconds)
    assert sum(one.seconds[name] for name in found.critical_path) == found.seconds
    nodes = {node.id: node for node in one.plan.nodes}
    for before, after in zip(found.critical_path, found.critical_path[1:], strict=False):
        assert before in nodes[after].dependencies


@given(weighted(), st.integers(1, 5))
def test_with_few_places_the_time_is_within_the_bounds_of_list_scheduling(
    one: Weighted, places: int
) -> None:
    found = simulate(one.plan, one.expected, concurrency=places)
    work, chain = sum(one.seconds.values()), longest(one.plan, one.seconds)
    assert max(chain, work / places) <= found.seconds
    # Graham 1969.
    assert found.seconds <= work / places + (1 - 1 / places) * chain + 1e-9
    check_spans(one.plan, found, places, one.seconds)


def check_spans(plan: Plan, found: Simulation, places: int, seconds: Costs) -> None:
    """Nobody starts before its inputs, and no more run than may."""
    assert list(found.spans) == [node.id for node in plan.nodes]
    for node in plan.nodes:
        span = found.spans[node.id]
        assert span.end - span.start == seconds[node.id]
        assert all(found.spans[name].end <= span.start for name in node.dependencies)
    peak = max(
        sum(other.start <= span.start < other.end for other in found.spans.values())
        for span in found.spans.values()
    )
    assert found.peak_nodes == peak <= places


@given(dags(), st.integers(1, 4))
def test_with_few_calls_at_once_the_bounds_hold_for_threads_too(
    dependencies: Dependencies, width: int
) -> None:
    plan = thinking(weigh(dependencies, dict.fromkeys(dependencies, 0.0)).plan)
    expected = ExpectedSeconds(think_tokens=100, seconds_per_token=0.5)
    seconds = {node.id: expected(node) for node in plan.nodes}
    found = simulate(plan, expected, width=width)
    work, chain = sum(seconds.values()), longest(plan, seconds)
    assert max(chain, work / width) <= found.seconds <= work / width + (1 - 1 / width) * chain
    assert found.peak_threads <= width


# Against the executor


@settings(max_examples=60)
@given(weighted(), st.integers(1, 4))
def test_the_executor_takes_exactly_as_long(one: Weighted, places: int) -> None:
    assert real_spans(one, places) == {
        name: (span.start, span.end)
        for name, span in simulate(one.plan, one.expected, concurrency=places).spans.items()
    }


def real_spans(one: Weighted, places: int) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}

    async def run_node(node: Node, outcomes: Mapping[str, Outcome[float]]) -> Outcome[float]:
        start = anyio.current_time()
        await anyio.sleep(one.expected(node))
        found[node.id] = (start, anyio.current_time())
        return Outcome("ok", 0.0)

    async def main() -> None:
        queue = CriticalPathQueue(one.expected)
        executor: Executor[float] = Executor(
            run_node, concurrency=places, queue=queue, priority=queue.add
        )

        async def write_plan() -> None:
            for node in one.plan.nodes:
                executor.add(node)

        await executor.run(write_plan)

    run_virtually(main)
    return {node.id: found[node.id] for node in one.plan.nodes}


SECONDS_PER_TOKEN = 0.25
TOOLS = {"quick": 1.0, "slow": 40.0}
REPLY = "x" * 100


def sleeping(name: str, seconds: float) -> Tool:
    async def sleep(value: str = "") -> str:
        await anyio.sleep(seconds)
        return "y"

    sleep.__name__ = name
    return tool(sleep)


@st.composite
def mixed_plans(draw: st.DrawFn) -> Plan:
    """Calls, threads of different lengths and reductions."""
    nodes: list[Node] = []
    for name, needs in draw(dags()).items():
        chosen = draw(st.sampled_from(["quick", "slow", "think", "reduce", "vote"]))
        if chosen in TOOLS:
            arguments: dict[str, Argument] = {"value": _mentions(needs)}
            nodes.append(Call(id=name, tool=chosen, arguments=arguments))
        elif chosen == "think" or not needs:
            after = next((n for n in needs if isinstance(nodes[int(n)], Think)), None)
            nodes.append(
                Think(
                    id=name, prompt=_mentions(needs), after=after, max_tokens=2 ** (int(name) % 7)
                )
            )
        else:
            nodes.append(
                Reduce(
                    id=name, inputs=needs, reducer="synthesise" if chosen == "reduce" else "first"
                )
            )
    return Plan(nodes=tuple(nodes))


@settings(max_examples=40)
@given(mixed_plans())
def test_a_run_on_an_engine_takes_exactly_as_long(plan: Plan) -> None:
    expected = ExpectedSeconds(
        think_tokens=64,
        reduce_tokens=64,
        seconds_per_token=SECONDS_PER_TOKEN,
        tools=TOOLS,
        tokens={"first": 0},
    )
    assert run_virtually(lambda: run(plan)) == simulate(plan, expected).seconds


async def run(plan: Plan, width: int = 1000, concurrency: int = 64) -> float:
    agent = Agent(
        FakeEngine(REPLY, seconds_per_token=SECONDS_PER_TOKEN),
        tools=[sleeping(name, seconds) for name, seconds in TOOLS.items()],
        planner=GivenPlanner(given=plan),
        sampling=Sampling(max_tokens=64),
        limiter=CallLimiter(width),
        concurrency=concurrency,
    )
    return (await agent.run("Why?")).seconds


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("concurrency", [2, 64])
def test_a_run_with_few_calls_at_once_takes_exactly_as_long(width: int, concurrency: int) -> None:
    thinks = [Think(id=f"t{n}", max_tokens=n) for n in (3, 50, 20, 11, 34)]
    last = Think(id="last", prompt="", after="t50", max_tokens=7)
    plan = Plan(nodes=(*thinks, Call(id="c", tool="slow"), last))
    expected = ExpectedSeconds(think_tokens=64, seconds_per_token=SECONDS_PER_TOKEN, tools=TOOLS)
    found = simulate(plan, expected, width=width, concurrency=concurrency)
    assert run_virtually(lambda: run(plan, width, concurrency)) == found.seconds


# Threads and pace


def test_a_node_ends_when_the_last_of_its_threads_does() -> None:
    plan = Plan(nodes=(Think(id="1"), Think(id="2", after="1", max_tokens=5)))
    expected = ExpectedSeconds(think_tokens=10, seconds_per_token=1.0)
    found = simulate(plan, expected, threads=lambda node: 4, width=3)
    # Three and then one; then three and one again.
    assert found.seconds == 10 + 10 + 5 + 5
    assert (found.spans["1"].end, found.spans["1"].threads, found.peak_threads) == (20, 4, 3)
    assert found.critical_seconds == 15


def test_the_pace_follows_how_many_threads_run() -> None:
    plan = Plan(nodes=(Think(id="short", max_tokens=10), Think(id="long", max_tokens=30)))
    expected = ExpectedSeconds(think_tokens=100, seconds_per_token=1.0)
    # Two share what one would have: 10 tokens each in 20 s, then 20 more in 20 s.
    found = simulate(plan, expected, pace=lambda running: float(running))
    assert (found.spans["short"].end, found.seconds) == (20, 40)


def test_a_call_that_ends_meanwhile_changes_nothing_for_the_threads() -> None:
    calls = [Call(id=f"c{n}", tool=f"t{n}") for n in (1, 2, 3)]
    expected = ExpectedSeconds(
        think_tokens=10, seconds_per_token=0.5, tools={"t1": 0.25, "t2": 1.5, "t3": 9}
    )
    found = simulate(Plan(nodes=(Think(id="1"), *calls)), expected)
    assert {name: span.end for name, span in found.spans.items()} == {
        "1": 5,
        "c1": 0.25,
        "c2": 1.5,
        "c3": 9,
    }
    assert (found.peak_nodes, found.peak_threads) == (4, 1)


def test_what_generates_nothing_takes_no_slot() -> None:
    vote = Reduce(id="2", inputs=("1",), reducer="majority")
    expected = ExpectedSeconds(
        think_tokens=4, reduce_tokens=100, seconds_per_token=1.0, tokens={"majority": 0}
    )
    assert simulate(Plan(nodes=(Think(id="1"), vote)), expected, width=1).seconds == 4


def test_of_equal_chains_the_one_with_the_later_end_is_named() -> None:
    nodes = (
        Call(id="1", tool="f"),
        Call(id="2", tool="f"),
        Call(id="3", tool="f", arguments={"a": Reference(node="2")}),
        Reduce(id="4", inputs=("1", "3"), reducer="first"),
    )
    found = simulate(Plan(nodes=nodes), ExpectedSeconds(think_tokens=0))
    assert found.critical_path == ("2", "3", "4")


def test_a_plan_of_many_nodes_is_simulated_too() -> None:
    nodes = [
        Think(id=f"n{i}", prompt=_mentions((f"n{i // 2}",)) if i else "") for i in range(8_000)
    ]
    found = simulate(
        Plan.model_construct(nodes=tuple(nodes)), ExpectedSeconds(think_tokens=8), width=256
    )
    assert len(found.spans) == 8_000
    assert found.peak_threads == 256


@pytest.mark.parametrize(("concurrency", "width"), [(0, 1), (1, 0)])
def test_where_nothing_may_run_nothing_can_be_told(concurrency: int, width: int) -> None:
    plan, expected = Plan(nodes=(Think(id="1"),)), ExpectedSeconds(think_tokens=1)
    with pytest.raises(UsageError, match="below 1"):
        simulate(plan, expected, concurrency=concurrency, width=width)
