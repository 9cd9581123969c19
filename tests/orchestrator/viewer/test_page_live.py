"""The page of a run in Chromium, on the viewer's server: while the run goes on, and when the server is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from engines import Context, FakeEngine, Sampling
from orchestrator import Agent
from planners import GivenPlanner, Plan, Reduce, Think
from tests.browser import OpenPage, browser, complaints, open_page, wait_until
from tests.orchestrator.viewer.viewed import served

__all__ = ["browser", "complaints", "open_page"]

FIRST = tuple(f"a{number}" for number in range(12))
PLAN = Plan(
    nodes=(
        *(Think(id=id, prompt=f"think {id}", method="chain-of-thought") for id in FIRST),
        Think(id="b", prompt="think b", after="a0", method="self-consistency"),
        Reduce(id="c", inputs=(*FIRST[1:], "b"), reducer="synthesise"),
    )
)


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture
def run(portal: BlockingPortal, tmp_path: Path) -> Iterator[HeldRun]:
    held = HeldRun(portal, tmp_path)
    yield held
    held.let(*FIRST, "b", "c")
    held.wait()


class HeldRun:
    """A run whose calls wait until they are let go on.

    Attributes:
        folder: Where it is kept.
    """

    def __init__(self, portal: BlockingPortal, runs: Path) -> None:
        self._portal = portal
        self._doors = {id: portal.call(anyio.Event) for id in (*FIRST, "b", "c")}
        agent = Agent(FakeEngine(self._said), planner=GivenPlanner(given=PLAN), runs=runs)
        self._future = portal.start_task_soon(lambda: agent.run("What comes next?"))
        self.folder = portal.call(_folder_in, runs)

    def let(self, *ids: str) -> None:
        for id in ids:
            self._portal.call(self._doors[id].set)

    def wait(self) -> None:
        self._future.result(30)

    async def _said(self, context: Context, sampling: Sampling) -> str:
        names = context.path.split("/")
        await next(self._doors[name] for name in reversed(names) if name in self._doors).wait()
        return f"said by {context.path}"


async def _folder_in(runs: Path) -> Path:
    with anyio.fail_after(30):
        while True:
            for path in runs.glob("*/events.jsonl"):
                if b"generation-started" in path.read_bytes():
                    return path.parent
            await anyio.sleep(0.01)


def test_a_page_follows_a_run_and_keeps_what_was_chosen(
    open_page: OpenPage, portal: BlockingPortal, run: HeldRun
) -> None:
    with served(portal, run.folder) as address:
        page = open_page(f"{address}#node=a3")
        page.locator("#connection", has_text="live").wait_for()
        wait_until(page, "app.data.nodes.get('a3').state === 'running'")
        assert "think: think a3" in page.locator("#details").inner_text()
        page.evaluate("views.plan.surface.pan(33, 21)")
        where = page.evaluate("[views.plan.surface.x, views.plan.surface.y]")
        page.locator("#details summary", has_text="calls of the engine").click()
        run.let(*FIRST)
        wait_until(page, "app.data.nodes.get('a3').state === 'ok'")
        page.locator("#details", has_text="said by root/a3").wait_for()
        assert page.evaluate("[views.plan.surface.x, views.plan.surface.y]") == where
        assert page.locator("#details li [data-kind=call]").is_visible()
        assert page.evaluate("app.selected.id") == "a3"
        run.let("b", "c")
        run.wait()
        wait_until(page, "!app.data.live")
        assert page.locator("#state").inner_text().endswith("ok")
        assert "said by root/c" in page.locator("#answer").inner_text()
        page.evaluate("location.hash = '#call=14'")
        page.locator("#details .is-output", has_text="said by").wait_for()
        page.keyboard.press("/")
        # That stands in prompts, which only the server has.
        page.keyboard.type("step by step")
        page.locator(".hit .soft", has_text="Think step by step").first.wait_for()


def test_a_page_says_that_the_server_is_gone(
    open_page: OpenPage, complaints: list[str], portal: BlockingPortal, run: HeldRun
) -> None:
    with served(portal, run.folder) as address:
        page = open_page(address)
        page.locator("#connection.is-live").wait_for()
    page.locator("#connection.is-warning", has_text="the server is gone").wait_for()
    assert page.evaluate("app.data.nodes.size") == len(PLAN.nodes)
    # The browser itself tells of each request that failed.
    assert complaints
    assert all("net::ERR_" in told for told in complaints)
    complaints.clear()
