"""The page in Chromium of runs that went another way: searches' decisions, deferred calls, a resumed run, workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import FakeEngine
from orchestrator import Agent
from orchestrator.errors import RunDeferred
from orchestrator.tools.deferred import deferred_tool
from planners import Call, GivenPlanner, Plan, Reference, Template, Think, ToolSpecification
from tests.backends import run_virtually
from tests.browser import browser
from tests.orchestrator.viewer import viewed_runs
from tests.orchestrator.viewer.real_runs import search_run
from tests.orchestrator.viewer.viewed import FreshPage, fresh_page, opened_pages, page_file

__all__ = ["browser", "fresh_page", "opened_pages", "page_file"]

DEFERRED = Plan(
    nodes=(
        Think(id="think", prompt="And now?", method="chain-of-thought"),
        Call(id="rain", tool="weather", arguments={"place": Reference(node="think")}),
        Think(id="then", prompt=Template(parts=("It is ", Reference(node="rain")))),
    )
)


def deferred_run(runs: Path) -> Path:
    """A run that stopped with a call of its caller's tool."""
    schema = {"type": "object", "properties": {"place": {"type": "string"}}}
    weather = deferred_tool(
        ToolSpecification(name="weather", description="Asks.", parameters=schema)
    )
    agent = Agent(
        FakeEngine("Well.", seconds_per_token=0.5),
        planner=GivenPlanner(given=DEFERRED),
        tools=[weather],
        runs=runs,
    )

    async def run() -> Path:
        with pytest.raises(RunDeferred) as caught:
            await agent.run("Well?")
        return caught.value.folder

    return run_virtually(run)


def resumed_run(runs: Path) -> Path:
    """A run that was killed, and gone on with."""
    return viewed_runs.killed_and_resumed_run()


def workers_run(runs: Path) -> Path:
    """Workers over one cache, of which one has the answer first."""
    agent = Agent(FakeEngine("\\boxed{7}"), planner="single", method="hogwild", runs=runs)
    run_virtually(lambda: agent.run("What is 3 + 4?"))
    return viewed_runs.only(runs)


def test_a_search_shows_what_each_wave_decided(fresh_page: FreshPage) -> None:
    page = fresh_page(search_run, node="puzzle")
    page.locator("#details summary", has_text="decisions").click()
    waves = page.locator("#details .list .part")
    assert [text.split("\n")[0] for text in waves.all_inner_texts()] == [
        "wave 0 1 of 1 went on",
        "wave 1 4 of 8 went on",
        "wave 2 4 of 8 went on",
    ]
    waves.nth(1).locator("summary").click()
    waves.nth(1).locator("li").last.wait_for()
    leaves = waves.nth(1).locator("li").all_inner_texts()
    assert ["forked 2 times" in leaf for leaf in leaves] == [True] * 4 + [False] * 4
    scores = [float(leaf.split("score ")[1].split()[0]) for leaf in leaves]
    assert scores == sorted(scores[:4], reverse=True) + sorted(scores[4:], reverse=True)
    waves.nth(1).locator("li button").first.press("Enter")
    assert page.evaluate("app.selected.kind") == "thread"
    # Who went there by a key goes on from there.
    assert page.evaluate("document.activeElement.id") == "details"


def test_a_call_that_waits_for_somebody_outside_is_no_call_that_runs(fresh_page: FreshPage) -> None:
    page = fresh_page(deferred_run, node="rain")
    assert page.locator("#state").inner_text().endswith("deferred")
    told = page.locator("#details").inner_text()
    assert "waits for somebody outside" in told
    assert "waits since" in told
    assert "running" not in told
    page.keyboard.press("n")
    row = page.locator("#view-nodes .row.active")
    assert row.inner_text().split()[1:3] == ["deferred", "rain"]
    # A sign that no font has is a box with a code in it.
    sign, unknown = page.evaluate(
        """() => {
            const canvas = new OffscreenCanvas(30, 30), context = canvas.getContext("2d", {willReadFrequently: true});
            return [SIGNS.deferred, "\\uffff"].map((sign) => {
                context.clearRect(0, 0, 30, 30);
                context.font = `20px ${FONT}`;
                context.fillText(sign, 2, 22);
                return context.getImageData(0, 0, 30, 30).data.join();
            });
        }"""
    )
    assert sign != unknown


def test_a_timeline_says_where_a_run_was_resumed(fresh_page: FreshPage) -> None:
    page = fresh_page(resumed_run)
    page.keyboard.press("l")
    (life,) = page.evaluate("(views.timeline.surface.paint(), views.timeline.drawn.lives)")
    assert life["x"] == page.evaluate("Math.round(views.timeline.surface.screenX(5.5))")
    assert "resumed at\n5.50 s" in page.locator("#details").inner_text()
    # Those that an end of the axis would cut are drawn before it.
    page.evaluate("views.timeline.surface.pan(190 + views.timeline.surface.width - 400, 0)")
    lives = page.evaluate(
        "(app.data.run.lives = [app.data.seconds], views.timeline.surface.zoomBy('fit'),"
        " views.timeline.surface.pan(20, 0), views.timeline.surface.paint(), views.timeline.drawn.lives)"
    )
    assert lives[0]["from"] < lives[0]["x"]


def test_workers_are_told_and_those_who_were_not_needed_have_not_failed(
    fresh_page: FreshPage,
) -> None:
    page = fresh_page(workers_run)
    rows = page.locator("#view-threads .row")
    assert "4 workers" in rows.first.inner_text()
    assert "Alice had the answer" in rows.last.inner_text()
    assert page.get_by_role("button", name="failed").is_disabled()
