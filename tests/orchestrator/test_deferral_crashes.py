"""Runs with deferred calls whose process died, and what commands say of those that wait."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import FakeEngine, Usage
from orchestrator import Agent, NodePlanned, NodeStarted, RunFinished, RunStarted, tool
from orchestrator.command_line import main
from orchestrator.errors import RunDeferred
from orchestrator.events import CallDeferred
from orchestrator.runs.run_record import RunReader
from orchestrator.tools.deferred import deferred_tool
from planners import Call, Reference, Think, ToolSpecification
from tests.backends import run_virtually
from tests.orchestrator.plans import given
from tests.orchestrator.processes import started
from tests.orchestrator.test_tracing import EPOCH, SECOND, spans_of

_PLACE = {"type": "object", "properties": {"place": {}}, "required": ["place"]}
WEATHER = deferred_tool(ToolSpecification(name="weather", parameters=_PLACE))
PLAN = (
    Think(id="1", prompt="Where?"),
    Call(id="2", tool="weather", arguments={"place": Reference(node="1")}),
    Call(id="3", tool="pack", arguments={"what": Reference(node="2")}),
)


def packing(seconds: float) -> Any:
    @tool(timeout=10_000)
    async def pack(what: str) -> str:
        """Packs."""
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()
        await anyio.sleep(seconds)
        return f"packed for {what}"

    return pack


def traveller(engine: FakeEngine, runs: Path, *, seconds: float = 0, **options: Any) -> Agent:
    tools = [WEATHER, packing(seconds)]
    return Agent(engine, tools=tools, **{"planner": given(*PLAN), "runs": runs, **options})


async def travel(runs: str) -> None:
    """What the process does that is killed while it packs."""
    agent = traveller(FakeEngine("\\boxed{Rome}"), Path(runs), seconds=5000)
    try:
        await agent.run("Why?")
    except RunDeferred as error:
        await agent.resume(error.folder, results={"2": "rain"})


def test_what_was_given_outlives_a_kill(tmp_path: Path) -> None:
    code = (
        "import sys, anyio; from tests.orchestrator.test_deferral_crashes import travel; "
        "anyio.run(travel, sys.argv[1])"
    )
    with started(sys.executable, "-c", code, str(tmp_path), stderr=None) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "rain\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    (folder,) = tmp_path.iterdir()
    assert RunReader(folder).read().state == "interrupted"
    engine = FakeEngine("\\boxed{Rome}")
    result = run_virtually(lambda: traveller(engine, tmp_path).resume(folder))
    assert str(result) == "packed for rain"
    assert engine.calls == []


def test_a_run_that_died_after_it_had_asked_takes_the_result(tmp_path: Path) -> None:
    plan = given(*PLAN, Think(id="4", after="1"))
    engine = FakeEngine("\\boxed{Rome}")

    async def killed() -> None:
        slow = FakeEngine("\\boxed{Rome}", latency=10)
        with anyio.move_on_after(15):
            await traveller(slow, tmp_path, planner=plan).run("Why?")

    async def go_on() -> Any:
        agent = traveller(engine, tmp_path, planner=plan)
        return await agent.resume(folder, results={"2": "rain"})

    run_virtually(killed)
    (folder,) = tmp_path.iterdir()
    record = RunReader(folder).read()
    assert (record.state, list(record.view.asked)) == ("cancelled", ["2"])
    result = run_virtually(go_on)
    assert result.outcomes["3"].value.data == "packed for rain"
    assert [call.context.path for call in engine.calls] == ["root/1/4"]


# Commands


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    async def begin() -> Path:
        try:
            await traveller(FakeEngine("\\boxed{Rome}"), tmp_path).run("Why?")
        except RunDeferred as error:
            return error.folder
        raise AssertionError

    return run_virtually(begin)


def test_commands_say_what_a_run_waits_for(
    waiting: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = ("--out", str(waiting.parent))
    assert main(["status", "last", *where]) == 0
    told = capfd.readouterr().out
    assert "deferred after" in told
    assert "go on from Python, with agent.resume(" in told
    assert "the run waits for what comes of node '2' (weather)" in told
    assert main(["runs", *where]) == 0
    assert " deferred " in capfd.readouterr().out


def test_resume_refuses_a_run_that_waits_in_a_line(
    waiting: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (waiting / "events.jsonl").read_bytes()
    assert main(["resume", "last", "--out", str(waiting.parent)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "the run waits for what comes of node '2' (weather): go on from Python" in line
    assert (waiting / "events.jsonl").read_bytes() == before


def test_the_span_of_a_call_that_waits_ends_where_it_begins_to_wait() -> None:
    spans = spans_of(
        RunStarted(question="Why?", model="fake"),
        NodePlanned(node=PLAN[1]),
        NodeStarted(node="2", time=1.0),
        CallDeferred(node="2", tool="weather", arguments={}, time=2.0),
        RunFinished(status="deferred", usage=Usage(), time=9.0),
    )
    ends = {span.name: (span.end_time or 0) - EPOCH for span in spans}
    assert ends == {"execute_tool weather": 2 * SECOND, "invoke_workflow forkjoin": 9 * SECOND}
    assert not any(span.status.description for span in spans)
