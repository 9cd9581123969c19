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
from tests.orchestrator.processes import SECONDS
from tests.orchestrator.viewer.real_runs import plan_run
from tests.orchestrator.viewer.viewed import FreshPage, fresh_page, opened_pages, page_file, served

__all__ = ["browser", "complaints", "fresh_page", "open_page", "opened_pages", "page_file"]

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
        self._future.result(SECONDS)

    async def _said(self, context: Context, sampling: Sampling) -> str:
        names = context.path.split("/")
        await next(self._doors[name] for name in reversed(names) if name in self._doors).wait()
        return f"said by {context.path}"


async def _folder_in(runs: Path) -> Path:
    """The run's folder, once its first calls have begun."""
    with anyio.fail_after(SECONDS):
        while True:
            for path in runs.glob("*/events.jsonl"):
                if path.read_bytes().count(b"generation-started") == len(FIRST):
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
        page.evaluate("app.select({kind: 'call', id: app.data.callsOf('a3')[0].id})")
        page.locator("#details", has_text="It runs since").wait_for()
        assert "its text are kept when it ends" in page.locator("#details").inner_text()
        assert "calls\n12 so far" in page.locator("#figures").inner_text()
        page.keyboard.press("t")
        node = page.locator("#view-threads .of-node", has_text="a3")
        assert "1 thread" in node.inner_text()
        page.keyboard.press("g")
        page.evaluate("app.select({kind: 'node', id: 'a3'})")
        page.locator("#details summary", has_text="calls of the engine").click()
        line = page.locator("#details li [data-kind=call]").inner_text()
        assert "running" in line
        assert "generated" not in line
        page.locator("#details summary", has_text="calls of the engine").click()
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
    # The browser itself tells of each request that failed, as long as the page asks again.
    page.close()
    assert complaints
    assert all("net::ERR_" in told for told in complaints)
    complaints.clear()


def test_what_somebody_reads_stays_when_there_is_news(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run, thread="root/6/sample-0")
    page.locator("#details .is-output").wait_for()
    page.locator("#details summary", has_text="siblings").focus()
    page.evaluate("document.querySelector('#details .is-output').wasRead = true")
    page.evaluate(
        """() => {
            const { data } = app, thread = data.threads.get("root/6/sample-0");
            data.take({
                version: data.version + 1, live: true, run: data.run, nodes: [], calls: [], decisions: [],
                threads: [{ ...thread, score: 0.125, version: thread.version + 1 }],
            });
            app.tell("data");
        }"""
    )
    assert "0.125" in page.locator("#details .facts").inner_text()
    assert page.evaluate("document.querySelector('#details .is-output').wasRead")
    assert page.evaluate("document.activeElement.textContent").startswith("siblings")


def test_another_picture_is_taken_as_a_whole(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    asked, known = page.evaluate(
        """async () => {
            const asked = [], nodes = [...app.data.nodes.values()], run = { ...app.data.run, state: "failed" };
            const picture = { run, threads: [], calls: [], decisions: [], live: true };
            const answers = [
                { ...picture, epoch: "a", version: 500, nodes },
                { ...picture, epoch: "a", version: 501, nodes: [] },
                { ...picture, epoch: "b", version: 900, nodes: [] },
                { ...picture, epoch: "b", version: 900, nodes: nodes.slice(0, 2), run: { ...run, state: "ok" } },
            ];
            answers[3].live = false;
            const kept = { fetched, setTimeout, run: app.data.run };
            fetched = async (address) => answers[asked.push(address) - 1];
            setTimeout = (does) => kept.setTimeout.call(window, does, 0);
            app.data.run = null;
            await follow();
            ({ fetched, setTimeout } = kept);
            const known = app.data.nodes.size;
            app.data.take({ ...answers[0], epoch: null, live: false, run: kept.run }, { whole: true });
            app.tell("data");
            return [asked, known];
        }"""
    )
    assert [address.partition("=")[2] for address in asked] == ["0", "500", "501", "0"]
    assert known == 2


def test_a_server_that_was_gone_is_asked_for_everything(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    asked = page.evaluate(
        """async () => {
            const asked = [], nodes = [...app.data.nodes.values()], run = { ...app.data.run, state: "failed" };
            const picture = { run, nodes: [], threads: [], calls: [], decisions: [], live: true };
            const answers = [
                { ...picture, version: 500 },
                null,
                { ...picture, version: 3, live: false, nodes: nodes.slice(0, 1) },
                { ...picture, version: 4, live: false, run: { ...run, state: "ok" } },
            ];
            fetched = async (address) => {
                const answer = answers[asked.length];
                asked.push(address);
                if (!answer) throw new Error("it is off");
                return answer;
            };
            const wait = setTimeout;
            setTimeout = (does) => wait(does, 0);
            app.data.run.state = "failed";
            await follow();
            return asked;
        }"""
    )
    # What ended badly may be resumed, so that it is looked at further.
    assert [address.partition("=")[2] for address in asked[1:]] == ["500", "0", "3"]
    assert page.evaluate("app.data.nodes.size") == 1
    assert page.locator("#connection").inner_text() == ""
