"""The page in Chromium: what is critical, chosen or planned, and the legend that says what marks mean."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.browser import browser
from tests.orchestrator.viewer.real_runs import plan_run, search_run
from tests.orchestrator.viewer.viewed import FreshPage, fresh_page, opened_pages, page_file

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["browser", "fresh_page", "opened_pages", "page_file"]

# A planner as pictures have it, and an output that was made of the last node.
PLANNED = """(changed) => {
    const { data } = app, first = data.nodes.get("1");
    const beside = { usage: null, calls: 0, cached_share: null, result: null, text: null, asked: "", what: "" };
    const planner = { ...first, ...beside, id: "planner", kind: "planner", label: "planner", critical: true };
    const nodes = [...data.nodes.values()].map((node) => ({ ...node, ...changed[node.id] }));
    window.kept = [...data.nodes.values()];
    data.take({ ...{ threads: [...data.threads.values()], calls: [...data.calls.values()], decisions: [] },
        version: data.version + 1, live: false, run: data.run, nodes: [...nodes, planner] }, { whole: true });
    app.tell("data");
}"""
AS_BEFORE = """() => {
    const { data } = app;
    data.take({ threads: [...data.threads.values()], calls: [...data.calls.values()], decisions: [],
        version: data.version + 1, live: false, run: data.run, nodes: window.kept }, { whole: true });
    app.tell("data");
}"""


def drawn(page: Page, view: str) -> Any:
    return page.evaluate(f"(views.{view}.surface.paint(), views.{view}.drawn)")


def test_edges_pass_between_the_boxes_of_columns_that_they_cross(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    crossed = page.evaluate(
        """() => {
            const boxes = [...views.plan.at.values()];
            const crosses = (edge, { left, y }) => boxes.some((box) => box.x > left && box.x < edge.x2 &&
                box.x < left + CARD.width && y > box.y && y < box.y + CARD.height);
            const long = views.plan.edges.filter((edge) => edge.via.length);
            return long.map((edge) => [edge.from, edge.to, edge.via.some((one) => crosses(edge, one))]);
        }"""
    )
    assert crossed == [["5", "9", False]]


def test_a_planner_stands_before_what_it_planned(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    page.evaluate(PLANNED, {})
    first = page.evaluate("views.plan.edges.filter((edge) => edge.planned).map((edge) => edge.to)")
    assert sorted(first) == list("12345")
    assert page.evaluate("app.data.layers[0].map((node) => node.id)") == ["planner"]
    x = page.evaluate("['planner', '1', '7'].map((id) => views.plan.at.get(id).x)")
    assert x == sorted(set(x))
    page.evaluate("app.select({kind: 'node', id: '1'})")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("app.selected.id") == "planner"
    # It is no node of the plan.
    assert "nodes\n9" in page.locator("#figures").inner_text()
    assert "planned by" in page.locator("#legend").inner_text()
    page.evaluate(AS_BEFORE)
    assert "planned by" not in page.locator("#legend").inner_text()


def test_the_critical_path_is_one_row_in_which_nothing_is_twice(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    page.keyboard.press("l")
    parts = page.evaluate(
        "views.timeline.band.parts.map(({node, start, end}) => [node.id, start, end])"
    )
    assert [id for id, *_ in parts] == ["3", "7", "9"]
    assert all(one[2] <= other[1] for one, other in pairwise(parts))
    x = page.evaluate("views.timeline.surface.screenX(3)")
    page.locator("#timeline").click(position={"x": x, "y": 24 + 46 + 8})
    assert page.evaluate("app.selected.id") == "7"


def test_a_timeline_marks_the_threads_that_were_chosen(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run, thread="root/6/sample-0")
    page.keyboard.press("l")
    # The vote's one of each of two nodes, and the only ones of two others.
    assert drawn(page, "timeline")["stars"] == page.evaluate(
        "[...app.data.calls.values()].filter((call) => app.data.threads.get(call.thread)?.chosen).length"
    )
    selected = page.evaluate(
        "[...app.data.calls.values()].filter(isOfSelected).map((call) => call.thread)"
    )
    assert selected == ["root/6/sample-0"]


def test_a_legend_tells_what_the_view_shows(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    legend = page.locator("#legend")
    assert legend.inner_text().split("\n") == [
        "✓ ok", "✗ failed", "critical path, which the run waited for", "selected",
        "share of the prompt that was cached",
    ]  # fmt: skip
    page.keyboard.press("l")
    assert "tokens in flight" in legend.inner_text()
    legend = fresh_page(search_run).locator("#legend")
    assert {"↷ passed-over", "★", "chosen", "score"} <= set(legend.inner_text().split("\n"))


def test_what_was_cancelled_or_skipped_has_not_failed(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    # What needs node 5, which failed, never began.
    page.evaluate(
        PLANNED, {"8": {"state": "cancelled"}, "9": {"state": "cancelled", "start": None}}
    )
    assert page.get_by_role("button", name="failed").inner_text() == "failed 1"
    assert page.evaluate("['8', '9'].map((id) => app.data.nodes.get(id).state)") == [
        "cancelled",
        "skipped",
    ]
    assert "⊘ skipped" in page.locator("#legend").inner_text()
    assert "skipped 1" in page.locator("#details").inner_text()
    page.evaluate(AS_BEFORE)


def test_the_table_of_nodes_is_not_cut(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    page.keyboard.press("n")
    hidden = page.evaluate(
        "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(views.nodes.rows.element)"
    )
    assert hidden == 0
    assert page.locator("#view-nodes .heads button").last.inner_text() == "generated"
