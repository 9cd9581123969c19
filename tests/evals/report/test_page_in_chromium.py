from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evals.report.page import page
from tests.browser import browser, watched
from tests.evals.report.made_up import HOSTILE, contents, drawn, evaluation, grade, sample, small

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

PROBLEMS = ".problem > summary .id"
SAMPLES = ".problem[open] .sample > summary"


# To open a page takes longer than most tests do with it. A problem lists its samples anew when it is opened, a moment
# after the click: lines of the test before, still there until then, would be taken for those.
AS_IT_BEGAN = """() => {
    for (const details of document.querySelectorAll(".problem[open], .sample[open]")) details.open = false;
    for (const inside of document.querySelectorAll(".problem .inside")) inside.replaceChildren();
    history.replaceState(null, "", "#");
    showAll();
}"""


@pytest.fixture(scope="module")
def report(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, list[str]]]:
    """Two systems on two problems: of p-1 all samples are wrong."""
    complaints: list[str] = []
    other = [sample("sums", "p-1", 0), sample("sums", "p-2", 0, status="truncated")]
    hostile = other[0].model_copy(update={"text": HOSTILE})
    second = evaluation(
        "runs/b", [hostile, other[1]], [grade(hostile, False), grade(other[1], True)], k=1
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(contents(small(), second)), encoding="utf-8")
    with watched(browser, complaints) as opened:
        yield opened(path.as_uri()), complaints


@pytest.fixture
def opened(report: tuple[Page, list[str]]) -> Iterator[Page]:
    """The report as it was at its beginning; it may not complain."""
    found, complaints = report
    found.evaluate(AS_IT_BEGAN)
    yield found
    told = complaints.copy()
    complaints.clear()
    assert told == []


def texts(opened: Page, selector: str) -> list[str]:
    """What can be read in the elements that are to be seen."""
    return opened.locator(selector).filter(visible=True).all_inner_texts()


def test_filters_choose_samples_and_the_problems_that_have_some(opened: Page) -> None:
    assert texts(opened, "output") == ["6 of 6 samples, in 2 of 2 problems"]
    assert texts(opened, PROBLEMS) == ["p-1", "p-2"]
    opened.click("[data-kind=truncated]")
    assert texts(opened, PROBLEMS) == ["p-2"]
    assert texts(opened, "output") == ["1 of 6 samples, in 1 of 2 problems"]
    opened.click("[data-kind=warning-missed]")
    assert texts(opened, PROBLEMS) == ["p-1"]
    assert texts(opened, "[aria-pressed=true]") == ["missed 1"]
    opened.click("[data-kind=wrong]")
    opened.select_option("#system", "1")
    assert texts(opened, "output") == ["1 of 6 samples, in 1 of 2 problems"]


def test_a_problem_lists_failures_first_and_a_sample_shows_its_text(opened: Page) -> None:
    opened.click("#p1 > summary")
    opened.locator("#p1 .sample").nth(2).wait_for()
    lines = texts(opened, SAMPLES)
    assert [line.split()[1] for line in lines] == ["wrong", "right", "right"]
    assert "known 4" in lines[0]
    assert texts(opened, ".sample pre") == []
    opened.locator("#p1 .sample > summary").first.click()
    opened.locator("#p1 .body").wait_for()
    assert texts(opened, ".sample pre") == ["text of sums p-2 1"]


def test_a_search_finds_texts_that_nobody_has_opened(opened: Page) -> None:
    opened.locator("#query").press_sequentially("of sums p-2 1")
    opened.locator("#told", has_text="1 of 6 samples, in 1 of 2 problems").wait_for()
    assert texts(opened, PROBLEMS) == ["p-2"]


def test_a_cell_of_the_matrix_goes_to_its_problem_whatever_is_filtered(opened: Page) -> None:
    opened.click("[data-kind=truncated]")
    opened.locator(".matrix a[href='#p0']").first.click()
    opened.locator("#p0[open]").wait_for()
    assert texts(opened, PROBLEMS) == ["p-1", "p-2"]
    assert opened.evaluate("document.activeElement.parentElement.id") == "p0"


def test_what_a_model_wrote_is_shown_and_not_obeyed(opened: Page) -> None:
    opened.click("#p0 > summary")
    opened.locator("#p0 .sample").nth(2).wait_for()
    opened.evaluate("for (const one of document.querySelectorAll('#p0 .sample')) one.open = true")
    opened.locator("#p0 .body").nth(2).wait_for()
    shown = texts(opened, "#p0 .sample pre")[2]
    assert shown.startswith("</script><script>document.title = 'taken'</script>")
    assert "␛[31mred␛[0m ⟨U+202E⟩back⟨U+202C⟩ ⟨U+D800⟩ ␀ ⟨U+2028⟩" in shown
    assert "taken" not in opened.title()
    assert opened.evaluate("document.images.length") == 0


def test_it_can_be_used_by_keys_alone(opened: Page) -> None:
    opened.locator("#p0 > summary").press("Enter")
    opened.locator("#p0 .sample").nth(2).wait_for()
    opened.locator("#p0 .sample > summary").first.press("Enter")
    opened.locator("#p0 .body").wait_for()


def test_it_is_no_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    ran = [
        drawn(f"runs/{n}", 0.5, tasks={"sums": 30}, k=2, dear=2, system=f"system {n}")
        for n in range(3)
    ]
    (tmp_path / "report.html").write_text(page(contents(*ran)), encoding="utf-8")
    phone = {"viewport": {"width": 360, "height": 800}, "is_mobile": True}
    with watched(browser) as opened:
        narrow = opened(f"{(tmp_path / 'report.html').as_uri()}#p3", **phone)
        assert narrow.evaluate("document.documentElement.scrollWidth") == 360


def test_paper_is_light_whatever_the_screen_is(opened: Page) -> None:
    ink = "getComputedStyle(document.body).color"
    light = opened.evaluate(ink)
    opened.emulate_media(color_scheme="dark")
    assert opened.evaluate(ink) != light
    opened.emulate_media(media="print")
    assert opened.evaluate(ink) == light
    opened.emulate_media(media="screen", color_scheme="light")
