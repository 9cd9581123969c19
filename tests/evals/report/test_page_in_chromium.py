from __future__ import annotations

from pathlib import Path

import pytest

from evals.report.page import page
from tests.evals.report import browser as chromium
from tests.evals.report.browser import Browser
from tests.evals.report.made_up import HOSTILE, contents, drawn, evaluation, grade, sample, small

browser = chromium.browser

PROBLEMS = ".problem > summary .id"
SAMPLES = ".problem[open] .sample > summary"


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    """Two systems on two problems: of p-1 all samples are wrong."""
    other = [sample("sums", "p-1", 0), sample("sums", "p-2", 0, status="truncated")]
    hostile = other[0].model_copy(update={"text": HOSTILE})
    second = evaluation(
        "runs/b", [hostile, other[1]], [grade(hostile, False), grade(other[1], True)], k=1
    )
    (tmp_path / "report.html").write_text(page(contents(small(), second)), encoding="utf-8")
    browser.open(tmp_path / "report.html")
    assert browser.logged() == []
    return browser


def test_filters_choose_samples_and_the_problems_that_have_some(opened: Browser) -> None:
    assert opened.texts("output") == ["6 of 6 samples, in 2 of 2 problems"]
    assert opened.texts(PROBLEMS) == ["p-1", "p-2"]
    opened.click("[data-kind=truncated]")
    assert opened.texts(PROBLEMS) == ["p-2"]
    assert opened.texts("output") == ["1 of 6 samples, in 1 of 2 problems"]
    opened.click("[data-kind=warning-missed]")
    assert opened.texts(PROBLEMS) == ["p-1"]
    assert (
        opened.run("return document.querySelector('[aria-pressed=true]').innerText") == "missed 1"
    )
    opened.click("[data-kind=wrong]")
    opened.run("const s = document.getElementById('system'); s.value = '1';"
        "s.dispatchEvent(new Event('change'))")  # fmt: skip
    assert opened.texts("output") == ["1 of 6 samples, in 1 of 2 problems"]


def test_a_problem_lists_failures_first_and_a_sample_shows_its_text(opened: Browser) -> None:
    opened.click("#p1 > summary")
    opened.run_until("return document.querySelectorAll('#p1 .sample').length === 3")
    lines = opened.texts(SAMPLES)
    assert [line.split()[1] for line in lines] == ["wrong", "right", "right"]
    assert "known 4" in lines[0]
    assert opened.texts(".sample pre") == []
    opened.click("#p1 .sample > summary")
    opened.run_until("return document.querySelector('#p1 .body') !== null")
    assert opened.texts(".sample pre") == ["text of sums p-2 1"]


def test_a_search_finds_texts_that_nobody_has_opened(opened: Browser) -> None:
    opened.type("#query", "of sums p-2 1")
    found = "1 of 6 samples, in 1 of 2 problems"
    opened.run_until(f"return document.getElementById('told').value === '{found}'")
    assert opened.texts(PROBLEMS) == ["p-2"]


def test_a_cell_of_the_matrix_goes_to_its_problem_whatever_is_filtered(opened: Browser) -> None:
    opened.click("[data-kind=truncated]")
    opened.click(".matrix a[href='#p0']")
    opened.run_until("return document.querySelector('#p0').open")
    assert opened.texts(PROBLEMS) == ["p-1", "p-2"]
    assert opened.run("return document.activeElement.parentElement.id") == "p0"


def test_what_a_model_wrote_is_shown_and_not_obeyed(opened: Browser) -> None:
    opened.click("#p0 > summary")
    opened.run_until("return document.querySelectorAll('#p0 .sample').length === 3")
    opened.run("for (const one of document.querySelectorAll('#p0 .sample')) one.open = true")
    opened.run_until("return document.querySelectorAll('#p0 .body').length === 3")
    shown = opened.texts("#p0 .sample pre")[2]
    assert shown.startswith("</script><script>document.title = 'taken'</script>")
    assert "␛[31mred␛[0m ⟨U+202E⟩back⟨U+202C⟩ ⟨U+D800⟩ ␀ ⟨U+2028⟩" in shown
    assert "taken" not in opened.run("return document.title")
    assert opened.run("return document.images.length") == 0
    assert opened.logged() == []


def test_it_can_be_used_by_keys_alone(opened: Browser) -> None:
    opened.run("document.querySelector('#p0 > summary').focus()")
    opened.type("#p0 > summary", "\ue007")
    opened.run_until("return document.querySelectorAll('#p0 .sample').length === 3")
    opened.type("#p0 .sample > summary", "\ue007")
    opened.run_until("return document.querySelector('#p0 .body') !== null")


def test_it_is_no_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    ran = [
        drawn(f"runs/{n}", 0.5, tasks={"sums": 60}, k=2, dear=2, system=f"system {n}")
        for n in range(3)
    ]
    (tmp_path / "report.html").write_text(page(contents(*ran)), encoding="utf-8")
    phone = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.emulate("Emulation.setDeviceMetricsOverride", **phone)
    try:
        browser.open(tmp_path / "report.html", "#p3")
        assert browser.run("return document.documentElement.scrollWidth") == 360
    finally:
        browser.emulate("Emulation.clearDeviceMetricsOverride")
