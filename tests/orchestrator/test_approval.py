"""Calls that somebody has to approve before they begin."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import FakeEngine
from orchestrator import Agent, Budget, Event, RunFailed, RunResult, Tool, tool
from orchestrator.events import (
    ApprovalAsked,
    ApprovalDecided,
    NodeFinished,
    NodePlanned,
    NodeStarted,
)
from orchestrator.runs.run_view import RunView
from orchestrator.tools.approval import ApprovalRequest, Approve, Decision
from planners import Call, Conclude, GivenPlanner, Plan
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.test_toolbox import virtually

anyio_backend = backends.virtual_backend


class Mail:
    """A tool with a side effect, and who approves it."""

    def __init__(self, *decisions: Any, hangs: str = "", seconds: float = 0) -> None:
        self.sent: list[str] = []
        self.asked: list[ApprovalRequest] = []
        self.reached = anyio.Event()
        self.hangs = hangs
        self._decisions = list(decisions)
        self._seconds = seconds

    @tool(approval=True, timeout=5)
    async def send(self, to: str) -> str:
        self.sent.append(to)
        await self._pass("sending", self._seconds and 1)
        return f"sent to {to}"

    async def approve(self, request: ApprovalRequest) -> Decision:
        self.asked.append(request)
        await self._pass("approving", self._seconds)
        decision = self._decisions.pop(0)
        if isinstance(decision, Exception):
            raise decision
        return decision  # type: ignore[no-any-return]

    async def _pass(self, what: str, seconds: float) -> None:
        if self.hangs == what:
            self.reached.set()
            await anyio.sleep_forever()
        await anyio.sleep(seconds)


PLAN = Plan(
    nodes=(
        Call(id="1", tool="send", arguments={"to": "ada"}),
        Conclude(id="2", text="done", inputs=("1",)),
    )
)


async def run(
    mail: Mail,
    *,
    plan: Plan = PLAN,
    approve: Approve | None = None,
    events: list[Event] | None = None,
    tools: tuple[Tool, ...] = (),
    **options: Any,
) -> RunResult:
    agent = Agent(
        FakeEngine(),
        tools=[mail.send, *tools],
        planner=GivenPlanner(given=plan),
        approve=approve or mail.approve,
        **options,
    )
    return await agent.run("?", subscribers=[] if events is None else [events.append])


@virtually
async def test_an_approved_call_is_made_and_its_time_begins_then() -> None:
    mail, events = Mail(True, seconds=3600), list[Event]()
    result = await run(mail, events=events)
    assert result.outcomes["1"].value is not None
    assert result.outcomes["1"].value.data == "sent to ada"
    assert mail.asked == [ApprovalRequest(tool="send", arguments={"to": "ada"}, node="1")]
    told = [event for event in events if isinstance(event, ApprovalAsked | ApprovalDecided)]
    assert [event.time for event in told] == pytest.approx([0, 3600])
    assert getattr(told[1], "approved", None) is True


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (False, "send was refused: no reason was given"),
        ("wrong address", "send was refused: wrong address"),
        ("", "send was refused: no reason was given"),
        (None, "send was refused: no reason was given"),
        (1, "send was refused: no reason was given"),
        (ConnectionError("no chat"), "send could not be approved: ConnectionError: no chat"),
    ],
)
async def test_any_other_decision_fails_the_call_which_is_not_made(
    decision: Any, reason: str
) -> None:
    mail, events = Mail(decision), list[Event]()
    result = await run(mail, events=events)
    assert (result.outcomes["1"].status, result.outcomes["1"].reason) == ("failed", reason)
    assert not mail.sent
    (decided,) = [event for event in events if isinstance(event, ApprovalDecided)]
    assert (decided.approved, decided.reason) == (False, reason)


@pytest.mark.anyio
async def test_a_plain_function_may_decide() -> None:
    mail = Mail()
    await run(mail, approve=lambda request: request.arguments["to"] == "ada")
    assert mail.sent == ["ada"]


@pytest.mark.anyio
async def test_where_nobody_is_there_to_approve_the_call_is_refused() -> None:
    mail = Mail()
    agent = Agent(FakeEngine(), tools=[mail.send], planner=GivenPlanner(given=PLAN))
    result = await agent.run("?")
    assert result.outcomes["1"].reason == (
        "send has to be approved, and nobody is there: use --approve all, or Agent(approve=...)"
    )
    assert not mail.sent


@pytest.mark.anyio
async def test_other_tools_are_nobody_s_business() -> None:
    @tool
    async def look(at: str) -> str:
        return at

    mail = Mail()
    plan = Plan(nodes=(Call(id="1", tool="look", arguments={"at": "x"}),))
    assert (await run(mail, plan=plan, tools=(look,))).answer.final == "x"
    assert not mail.asked


@pytest.mark.parametrize("concurrency", [1, 2, 64])
def test_while_a_person_thinks_the_other_branches_go_on(concurrency: int) -> None:
    @tool
    async def look(at: str) -> str:
        await anyio.sleep(10)
        return at

    calls = [Call(id=f"s{i}", tool="send", arguments={"to": f"{i}"}) for i in range(3)]
    looks = [Call(id=f"l{i}", tool="look", arguments={"at": f"{i}"}) for i in range(6)]
    plan = Plan(
        nodes=(*calls, *looks, Conclude(id="end", text="x", inputs=tuple(c.id for c in calls)))
    )
    events: list[Event] = []

    async def main() -> None:
        mail = Mail(True, True, True, seconds=3600)
        await run(mail, plan=plan, tools=(look,), concurrency=concurrency, events=events)
        assert len(mail.sent) == 3

    run_virtually(main)
    ended = {event.node: event.time for event in events if isinstance(event, NodeFinished)}
    assert all(ended[node.id] <= 60 for node in looks)
    # They were asked about at the same time, and begin when there is a place.
    assert max(ended[node.id] for node in calls) == pytest.approx(3603, abs=2.1)
    started = {event.node for event in events if isinstance(event, NodeStarted)}
    assert started == {node.id for node in plan.nodes}


@virtually
async def test_a_run_whose_time_is_over_waits_for_nobody() -> None:
    mail = Mail(True, seconds=3600)
    with pytest.raises(RunFailed, match="60 of 60 seconds used"):
        await run(mail, budget=Budget(seconds=60), plan=Plan(nodes=PLAN.nodes[:1]))
    assert not mail.sent


async def cut(mail: Mail, **options: Any) -> None:
    """A run that is cancelled where the mail hangs."""
    async with anyio.create_task_group() as group:
        group.start_soon(partial(run, mail, **options))
        await mail.reached.wait()
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_run_that_is_cancelled_while_a_person_thinks_says_no_decision() -> None:
    mail, events = Mail(True, hangs="approving"), list[Event]()
    await cut(mail, events=events, concurrency=1)
    assert not [event for event in events if isinstance(event, ApprovalDecided)]
    assert not mail.sent


def test_who_looks_at_the_run_sees_that_it_waits_for_somebody() -> None:
    view = RunView()
    for event in (NodePlanned(node=PLAN.nodes[0]), NodeStarted(node="1")):
        view.apply(event)
    view.apply(ApprovalAsked(node="1", tool="send"))
    assert (view.nodes["1"].state, view.nodes["1"].outcome) == ("running", "waits for approval")
    view.apply(ApprovalDecided(node="1", tool="send", approved=True))
    assert view.nodes["1"].outcome == ""


# Resumed runs


async def resumed(
    folder: Path, mail: Mail, approve: Approve, *, repeat: tuple[str, ...] = ()
) -> RunResult:
    agent = Agent(
        FakeEngine(),
        tools=[mail.send],
        planner=GivenPlanner(given=PLAN),
        runs=folder.parent,
        approve=approve,
    )
    return await agent.resume(folder, repeat=repeat)


def refuse_to_be_asked(request: ApprovalRequest) -> Decision:
    raise AssertionError("asked again")


@pytest.mark.anyio
async def test_a_call_that_was_approved_and_finished_is_not_asked_about_again(
    tmp_path: Path,
) -> None:
    mail = Mail(True)
    first = await run(mail, runs=tmp_path)
    assert first.folder is not None
    again = await resumed(first.folder, mail, refuse_to_be_asked)
    assert again.outcomes["1"].value == first.outcomes["1"].value
    assert mail.sent == ["ada"]


@pytest.mark.anyio
async def test_a_refusal_stands_until_somebody_wants_the_call_repeated(tmp_path: Path) -> None:
    mail = Mail("not today", True)
    first = await run(mail, runs=tmp_path)
    assert first.folder is not None
    again = await resumed(first.folder, mail, refuse_to_be_asked)
    assert again.outcomes["1"].reason == first.outcomes["1"].reason
    assert "not today" in again.outcomes["1"].reason
    assert not mail.sent
    approved = await resumed(first.folder, mail, mail.approve, repeat=("1",))
    assert approved.outcomes["1"].status == "ok"
    assert mail.sent == ["ada"]


async def dead(tmp_path: Path, mail: Mail) -> Path:
    """The folder of a run that died where the mail hangs."""
    await cut(mail, runs=tmp_path)
    mail.hangs = ""
    (folder,) = tmp_path.iterdir()
    return folder


@pytest.mark.anyio
async def test_a_call_that_had_not_begun_is_asked_about_again(tmp_path: Path) -> None:
    mail = Mail(True, hangs="approving")
    folder = await dead(tmp_path, mail)
    assert len(mail.asked) == 1
    result = await resumed(folder, mail, mail.approve)
    assert result.outcomes["1"].status == "ok"
    assert len(mail.asked) == 2
    assert mail.sent == ["ada"]


@pytest.mark.anyio
async def test_nobody_there_to_ask_is_no_refusal_that_stands(tmp_path: Path) -> None:
    mail = Mail(True)
    agent = Agent(FakeEngine(), tools=[mail.send], planner=GivenPlanner(given=PLAN), runs=tmp_path)
    first = await agent.run("?")
    assert first.folder is not None
    assert (await resumed(first.folder, mail, mail.approve)).outcomes["1"].status == "ok"


@pytest.mark.anyio
async def test_a_call_that_had_begun_is_reported_and_not_made_again(tmp_path: Path) -> None:
    mail = Mail(True, True, hangs="sending")
    folder = await dead(tmp_path, mail)
    assert mail.sent == ["ada"]
    result = await resumed(folder, mail, refuse_to_be_asked)
    assert "had not ended when the run died" in result.outcomes["1"].reason
    again = await resumed(folder, mail, mail.approve, repeat=("1",))
    assert again.outcomes["1"].status == "ok"
    assert mail.sent == ["ada", "ada"]
