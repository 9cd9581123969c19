"""What holds of every plan with deferred calls: rounds give what the same plan gives with the tools at hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from engines import Context, Engine, FakeEngine, Sampling
from orchestrator import Agent, RunResult, Tool, ToolContext, ToolError
from orchestrator.errors import RunDeferred
from orchestrator.tools.deferred import deferred_tool
from planners import Call, Node, PlanSink, Reference, Template, Think, ToolSpecification, Vocabulary
from tests.backends import run_virtually
from tests.orchestrator.killed_run import luck
from tests.orchestrator.plans import dags

SPECIFICATION = ToolSpecification(
    name="ask", parameters={"type": "object", "properties": {f"a{n}": {} for n in range(12)}}
)


def outside(node: str, fails: bool) -> Any:
    """What comes of a call, which may be a failure."""
    return ToolError(f"{node} is unknown") if fails else {"told": luck(node)[0]}


@dataclass(frozen=True, kw_only=True)
class LookingPlanner:
    """Sends nodes, and waits for all that it has sent after some of them."""

    nodes: tuple[Node, ...]
    looks: frozenset[int]

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        for number, node in enumerate(self.nodes):
            sink.node(node)
            if number in self.looks:
                sent = [sent.id for sent in self.nodes[: number + 1]]
                found = await sink.wait(sent)
                assert list(found) == sent
        return 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """A plan, and what becomes of its calls."""

    planner: LookingPlanner
    failing: frozenset[str]
    on_failure: Any
    answered: tuple[bool, ...]

    @property
    def calls(self) -> dict[str, Call]:
        return {node.id: node for node in self.planner.nodes if isinstance(node, Call)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    nodes: list[Node] = []
    on_failure = draw(st.sampled_from(["skip", "substitute"]))
    for name, needs in draw(dags()).items():
        if draw(st.booleans()):
            # Nobody outside gets the text of an error.
            taken = needs if on_failure == "skip" else ()
            arguments = {f"a{need}": Reference(node=need) for need in taken}
            nodes.append(Call(id=name, tool="ask", arguments={**arguments}))
        else:
            parts = tuple(Reference(node=need) for need in needs)
            nodes.append(Think(id=name, prompt=Template(parts=("So:", *parts))))
    # The answer is a thread that needs nothing, so that there is one whatever fails.
    nodes.append(Think(id="end", prompt="End."))
    names = [node.id for node in nodes]
    return Case(
        planner=LookingPlanner(
            nodes=tuple(nodes), looks=frozenset(draw(st.sets(st.integers(0, len(nodes) - 1))))
        ),
        failing=frozenset(draw(st.sets(st.sampled_from(names), max_size=2))),
        on_failure=on_failure,
        answered=tuple(draw(st.lists(st.booleans(), max_size=6))),
    )


def engine() -> FakeEngine:
    def script(context: Context, sampling: Sampling) -> str:
        return f"\\boxed{{{luck(context.path, context.turns[-2].text)[0]}}}"

    return FakeEngine(script)


def data(result: RunResult[Any]) -> dict[str, Any]:
    return {
        name: (outcome.status, outcome.reason, outcome.value.data if outcome.value else None)
        for name, outcome in result.outcomes.items()
    }


def at_hand(case: Case) -> Tool:
    """The same tool where the run calls it."""

    async def ask(context: ToolContext[None], **arguments: Any) -> Any:
        told = outside(context.node, context.node in case.failing)
        if isinstance(told, ToolError):
            raise told
        return told

    return Tool(
        specification=SPECIFICATION, function=ask, arguments=None, timeout=9.0, context="context"
    )


@settings(max_examples=15)
@drawn(cases())
def test_rounds_give_what_the_plan_gives_with_the_tools_at_hand(case: Case) -> None:
    async def directly() -> RunResult[Any]:
        agent = Agent(
            engine(), tools=[at_hand(case)], planner=case.planner, on_failure=case.on_failure
        )
        return await agent.run("Why?")

    thinking = engine()
    asked: Counter[str] = Counter()

    async def in_rounds(runs: str) -> RunResult[Any]:
        agent = Agent(thinking, tools=[deferred_tool(SPECIFICATION)], planner=case.planner,
                      on_failure=case.on_failure, runs=runs)  # fmt: skip
        answered = iter(case.answered)
        waiting: set[str] = set()
        try:
            return await agent.run("Why?")
        except RunDeferred as error:
            folder, calls = error.folder, error.calls
        while True:
            new = {call.node for call in calls} - waiting
            # What waited goes on waiting, until it is answered.
            assert waiting <= {call.node for call in calls}
            asked.update(new)
            waiting |= new
            given = {node for node in sorted(waiting) if next(answered, True)} or waiting
            waiting = waiting - given
            results = {node: outside(node, node in case.failing) for node in given}
            try:
                return await agent.resume(folder, results=results)
            except RunDeferred as error:
                calls = error.calls

    expected = run_virtually(directly)
    with TemporaryDirectory() as runs:
        result = run_virtually(lambda: in_rounds(runs))
    assert data(result) == data(expected)
    assert str(result) == str(expected)
    assert result.plan == expected.plan
    paths = [call.context.path for call in thinking.calls]
    assert len(paths) == len(set(paths)), "a call of the engine was repeated"
    assert all(count == 1 for count in asked.values())
    ran = {name for name, outcome in result.outcomes.items() if outcome.status != "cancelled"}
    assert set(asked) == set(case.calls) & ran


@settings(max_examples=10)
@drawn(cases())
def test_a_round_brings_all_calls_that_are_ready(case: Case) -> None:
    """Where nobody waits for results, these are the calls that need no other call."""
    planner = LookingPlanner(nodes=case.planner.nodes, looks=frozenset())
    calls = case.calls
    needs: dict[str, set[str]] = {}
    for node in planner.nodes:
        # The calls behind each node, its own included.
        behind = {call for name in node.dependencies for call in needs[name]}
        needs[node.id] = behind | ({node.id} if node.id in calls else set())
    first = [name for name in calls if needs[name] == {name}]

    async def begin(runs: str) -> list[str]:
        agent = Agent(engine(), tools=[deferred_tool(SPECIFICATION)], planner=planner, runs=runs)
        try:
            await agent.run("Why?")
        except RunDeferred as error:
            return [call.node for call in error.calls]
        return []

    with TemporaryDirectory() as runs:
        assert run_virtually(lambda: begin(runs)) == first
