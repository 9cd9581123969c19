"""Nodes whose threads all failed: what these had said and cost can be looked at, and is nobody's input."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from engines import Context, Engine, EngineUnavailable, FakeEngine
from orchestrator import Agent, RunFailed
from orchestrator.commands.output import drawn_threads
from planners import Finding, PlanSink, Reduce, Reference, Template, Think, Vocabulary
from reasoning import Answer, ChainOfThought, SelfConsistency
from tests import backends
from tests.orchestrator.plans import given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

REASON = "all 2 samples failed, the first: lost it"


@dataclass(frozen=True, kw_only=True)
class LosesWhatItSaid:
    """Thinks, and fails in node 1."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        answer = await ChainOfThought().solve(context, engine)
        if context.path.startswith("root/1/"):
            raise EngineUnavailable("lost it")
        return answer


METHOD = SelfConsistency(samples=2, method=LosesWhatItSaid())


async def test_they_are_told_beside_the_answer_of_others() -> None:
    plan = given(Think(id="1"), Think(id="2"), Reduce(id="3", inputs=("1", "2"), reducer="first"))
    result = await Agent(FakeEngine("\\boxed{5}"), method=METHOD, planner=plan).run("Why?")
    assert str(result) == "5"
    failed, *_ = result.to_data()["nodes"]
    assert (failed["status"], failed["reason"]) == ("failed", REASON)
    assert (failed["result"], failed["candidates"]) == (None, [])
    assert [(t["status"], t["reason"]) for t in failed["threads"]] == [("failed", "lost it")] * 2
    assert failed["usage"]["generated_tokens"] == 2 * len("\\boxed{5}")
    assert failed["critical_path"] == len("\\boxed{5}")
    # It was not waited for by anybody that gave something.
    assert result.critical_path == len("\\boxed{5}")
    _, *drawn = drawn_threads({"1": result.outcomes["1"]}).splitlines()
    assert f"  {REASON}" in drawn[0]
    assert REASON not in drawn_threads({"1": result.outcomes["1"]}, told=REASON)
    assert [line.split()[:3] for line in drawn if line] == [
        ["✗", "node", "1"],
        ["✗", "sample-0", "9"],
        ["✗", "sample-1", "9"],
    ]


async def test_what_needs_such_a_node_does_not_run() -> None:
    see = Think(id="2", prompt=Template(parts=("See ", Reference(node="1"))))
    plan = given(Think(id="1"), see)
    engine = FakeEngine("\\boxed{5}")
    with pytest.raises(RunFailed, match=REASON) as caught:
        await Agent(engine, method=METHOD, planner=plan).run("Why?")
    assert {name: o.status for name, o in caught.value.outcomes.items()} == {
        "1": "failed",
        "2": "cancelled",
    }
    assert REASON in drawn_threads(caught.value.outcomes)
    assert len(engine.calls) == 2


@dataclass(frozen=True, kw_only=True)
class LooksFirst:
    """A planner that looks at node 1 before it goes on."""

    found: list[Finding] = field(default_factory=list)

    async def plan(
        self, question: str, vocabulary: Vocabulary, engine: Engine, sink: PlanSink
    ) -> int:
        sink.node(Think(id="1"))
        self.found.extend((await sink.wait(["1"])).values())
        sink.node(Think(id="2"))
        return 0


async def test_a_planner_that_looks_finds_no_result() -> None:
    planner = LooksFirst()
    await Agent(FakeEngine("\\boxed{5}"), method=METHOD, planner=planner).run("Why?")
    assert planner.found == [Finding(status="failed", reason=REASON)]


async def test_where_the_last_node_lost_them_the_error_has_them() -> None:
    engine = FakeEngine("\\boxed{5}")
    with pytest.raises(RunFailed, match=f"node '1' failed: {REASON}") as caught:
        await Agent(engine, method=METHOD, planner=given(Think(id="1"))).run("Why?")
    lost = caught.value.outcomes["1"].value.answer
    assert [branch.reason for branch in lost.branches] == ["lost it", "lost it"]
    assert lost.usage.generated_tokens == (await engine.statistics()).generated_tokens
