"""Pictures that follow a run while it goes on, its journal included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import Context, FakeEngine, Sampling
from orchestrator import Agent, Event
from orchestrator.errors import RunDeferred
from orchestrator.tools.deferred import deferred_tool
from orchestrator.viewer.run_picture import RunPicture
from planners import Call, LLMCompiler, Reference, Template, Think
from planners.tool_specification import ToolSpecification
from tests.backends import run_virtually
from tests.orchestrator.plans import given
from tests.orchestrator.viewer.viewed_runs import (
    ONCE,
    agent_for,
    by_id,
    only,
    picture_of,
    search,
    slow_sum,
    step,
)

KINDS = ("nodes", "threads", "calls", "decisions")


class Follower:
    """Looks at a run at every so many of its events, as a page does.

    Attributes:
        seen: What it has of each kind.
        versions: What it was told at each look.
    """

    def __init__(self, runs: Path, every: int = 3) -> None:
        self.seen: dict[str, dict[Any, Any]] = {kind: {} for kind in KINDS}
        self.live: list[bool] = []
        self._runs = runs
        self._every = every
        self._events = 0
        self._picture: RunPicture | None = None
        self._version = 0

    def hear(self, event: Event) -> None:
        self._events += 1
        if self._events % self._every == 0:
            self.look()

    def look(self) -> None:
        self._picture = self._picture or RunPicture(only(self._runs))
        self._picture.look()
        data = json.loads(json.dumps(self._picture.data(self._version)))
        assert data["version"] >= self._version
        self._version = data["version"]
        self.live.append(data["live"])
        for kind in KINDS:
            for one in data[kind]:
                assert one["version"] <= data["version"]
                self.seen[kind][one.get("id", one.get("path"))] = one


@pytest.mark.parametrize("what", ["plan", "search"])
def test_whoever_follows_a_run_has_what_a_later_look_gives(what: str, tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    agent = agent_for(tmp_path)
    if what == "search":
        engine = FakeEngine(step, seconds_per_token=0.01)
        agent = Agent(engine, planner="single", method=search(), runs=tmp_path, calls=ONCE)
    run_virtually(lambda: agent.run("Well?", subscribers=[follower.hear]))
    follower.look()
    _, whole = picture_of(only(tmp_path))
    assert follower.live[0]
    assert not follower.live[-1]
    assert len(follower.live) > 8
    for kind in KINDS:
        expected = {one.get("id", one.get("path")): _plain(one) for one in whole[kind]}
        assert {id: _plain(one) for id, one in follower.seen[kind].items()} == expected
    assert all(call["text"] for call in follower.seen["calls"].values())


def _plain(entity: dict[str, Any]) -> dict[str, Any]:
    # A layout that grew is another one than that of the whole.
    moved = ("version", "layer", "place")
    return {name: value for name, value in entity.items() if name not in moved}


def test_a_planner_that_asks_a_model_is_a_node_with_its_text(tmp_path: Path) -> None:
    async def reply(context: Context, sampling: Sampling) -> str:
        await anyio.sleep(2)
        if context.turns[0].role != "system":
            return "It is \\boxed{122}."
        if len(context.turns) < 4:
            return "1. slow_sum(12, 7)\n2. think('how many more?')\njoin()\n"
        return '{"action": "finish", "answer": 122}'

    engine = FakeEngine(reply, seconds_per_token=0.01)
    agent = Agent(engine, planner=LLMCompiler(), tools=[slow_sum], runs=tmp_path, calls=ONCE)
    run_virtually(lambda: agent.run("How much?"))
    picture, data = picture_of(only(tmp_path))
    planner = by_id(data["nodes"])["(planner)"]
    assert (planner["kind"], planner["state"], planner["calls"]) == ("planner", "ok", 2)
    text = picture.text(planner["text"])
    assert text is not None
    assert "slow_sum(12, 7)" in text["output"]
    # It wrote, waited for what it had planned, and judged it: all of the time is on the path.
    assert data["run"]["critical_seconds"] == pytest.approx(data["run"]["seconds"], abs=0.1)
    assert {thread["state"] for thread in data["threads"]} == {"ok"}


def test_a_call_that_somebody_outside_makes_is_drawn_as_one(tmp_path: Path) -> None:
    look_up = deferred_tool(ToolSpecification(name="look_up", description="Looks up."))
    plan = given(
        Call(id="a", tool="look_up"),
        Think(id="b", prompt=Template(parts=("Is it ", Reference(node="a"), "?"))),
    )
    agent = agent_for(tmp_path, planner=plan, tools=[look_up])
    with pytest.raises(RunDeferred) as stopped:
        run_virtually(lambda: agent.run("Well?"))
    _, data = picture_of(stopped.value.folder)
    nodes = by_id(data["nodes"])
    assert data["run"]["state"] == "deferred"
    assert (nodes["a"]["state"], nodes["b"]["state"]) == ("deferred", "waiting")
    run_virtually(lambda: agent.resume(stopped.value.folder, results={"a": 7}))
    _, data = picture_of(stopped.value.folder)
    nodes = by_id(data["nodes"])
    assert (data["run"]["state"], len(data["run"]["lives"])) == ("ok", 1)
    assert (nodes["a"]["state"], nodes["a"]["result"], nodes["b"]["state"]) == ("ok", "7", "ok")
