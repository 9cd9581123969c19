"""The page of a run of 10,000 nodes in Chromium: what is drawn is what is in sight."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.viewer.page_file import PAGE, page_of
from tests.browser import browser, wait_until, watched
from tests.orchestrator.viewer.made_picture import made_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

NODES = 10_000


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One page for all tests, since it is large."""
    path = tmp_path_factory.mktemp("large") / "run.html"
    PAGE.write(path, page_of(made_picture(NODES), {"pieces": [], "texts": {}}).html)
    with watched(browser) as opened:
        yield opened(path.as_uri())


def frames_while(page: Page, view: str, steps: str) -> list[float]:
    """Milliseconds that each frame's drawing took while something is done step by step."""
    times: list[float] = page.evaluate(
        f"""async () => {{
            const surface = views.{view}.surface;
            const times = [];
            for (let step = 0; step < 7; step++) {{
                {steps}
                await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
                times.push(surface.frames.at(-1));
            }}
            return times;
        }}"""
    )
    return times


def drawn(page: Page, view: str) -> Any:
    return page.evaluate(f"(views.{view}.surface.paint(), views.{view}.drawn)")


def test_what_is_drawn_is_what_is_in_sight(page: Page) -> None:
    told = {}
    assert drawn(page, "plan") == {
        "nodes": NODES,
        "edges": drawn(page, "plan")["edges"],
        "labels": 0,
    }
    told["zoom of the whole plan"] = frames_while(page, "plan", "surface.zoom(1.02);")
    page.evaluate("views.plan.surface.zoomBy('fit')")
    page.evaluate("location.hash = '#node=n2-1000'")
    wait_until(page, "app.selected?.id === 'n2-1000'")
    near = drawn(page, "plan")
    assert 10 < near["nodes"] < 200
    assert near["labels"] == near["nodes"]
    told["pan of the plan near by"] = frames_while(page, "plan", "surface.pan(-40, -25);")
    assert drawn(page, "plan")["nodes"] < 200
    page.keyboard.press("l")
    assert 10 < drawn(page, "timeline")["rows"] < 60
    told["pan of the timeline"] = frames_while(page, "timeline", "surface.pan(0, -300);")
    told["zoom of the timeline"] = frames_while(page, "timeline", "surface.zoom(1.1);")
    assert 10 < drawn(page, "timeline")["rows"] < 60
    for what, times in told.items():
        median = statistics.median(times)
        # With -s one can read it.
        sys.stdout.write(f"{what}: {median:.1f} ms a frame, at most {max(times):.1f}\n")


def test_lists_hold_rows_in_sight_and_find_every_other(page: Page) -> None:
    for key, view in (("t", "threads"), ("n", "nodes")):
        page.keyboard.press(key)
        rows = page.locator(f"#view-{view} .row")
        assert 10 < rows.count() < 60
        page.keyboard.press("End")
        last = page.locator(f"#view-{view} .row.active")
        last.wait_for()
        assert rows.count() < 60
        page.keyboard.press("Home")
        assert last.get_attribute("id").endswith("-0")  # type: ignore[union-attr]
    page.locator("#view-nodes .heads button", has_text="node").first.click()
    assert page.locator("#view-nodes .row b").first.inner_text() == "n0-0"


def test_a_search_and_a_filter_go_over_all_of_it(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("n4-1999")
    page.keyboard.press("Enter")
    wait_until(page, "app.selected?.id === 'n4-1999'")
    page.get_by_role("button", name="critical").click()
    page.keyboard.press("n")
    assert page.locator("#view-nodes .row").count() == 5
