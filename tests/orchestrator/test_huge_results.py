"""A huge result is passed on whole, or fails what it does not fit into: nothing is cut in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines import FakeEngine
from orchestrator import Agent, RunResult, tool
from planners import Argument, Call, GivenPlanner, Plan, Reduce, Reference, Template, Think
from tests import backends

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

MEGABYTE = 10**6
WINDOW = 50_000


@tool
async def read(length: int) -> str:
    return "x" * length


@tool
async def measure(text: str) -> int:
    return len(text)


HUGE = Call(id="1", tool="read", arguments={"length": MEGABYTE})
ONE: Argument = Reference(node="1")


async def run(*nodes: Call | Think | Reduce, runs: Path | None = None) -> RunResult:
    agent = Agent(
        FakeEngine("ok", window=WINDOW),
        tools=[read, measure],
        planner=GivenPlanner(given=Plan(nodes=nodes)),
        runs=runs,
    )
    return await agent.run("?")


async def test_other_tools_get_it_whole(tmp_path: Path) -> None:
    result = await run(HUGE, Call(id="2", tool="measure", arguments={"text": ONE}), runs=tmp_path)
    assert result.answer.final == str(MEGABYTE)
    assert result.folder is not None
    (row, _) = (result.folder / "samples.jsonl").read_text().splitlines()
    assert len(json.loads(row)["result"]) == MEGABYTE


async def test_a_thread_that_it_does_not_fit_into_fails_and_says_so() -> None:
    thread = Think(id="2", prompt=Template(parts=("Sum up: ", Reference(node="1"))))
    result = await run(HUGE, thread, Call(id="3", tool="measure", arguments={"text": "abc"}))
    assert result.outcomes["1"].status == "ok"
    assert result.outcomes["2"].status == "failed"
    assert "window" in result.outcomes["2"].reason
    assert "50,000" in result.outcomes["2"].reason.replace("50000", "50,000")
    assert result.outcomes["3"].status == "ok"


async def test_a_reduction_that_it_does_not_fit_into_fails_the_run_with_the_reason() -> None:
    small = Call(id="2", tool="read", arguments={"length": 3})
    with pytest.raises(Exception, match="window") as caught:
        await run(HUGE, small, Reduce(id="3", inputs=("1", "2"), reducer="synthesise"))
    assert len(str(caught.value)) < 1_000
