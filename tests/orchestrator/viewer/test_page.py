"""The page of a run in Chromium, as a file: a plan, a search, and texts that want to be obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.runs.words import HIDDEN
from tests.browser import OpenPage, browser, complaints, open_page, wait_until
from tests.orchestrator.viewer.real_runs import HOSTILE, hostile_run, plan_run, search_run
from tests.orchestrator.viewer.viewed import (
    FreshPage,
    PageFile,
    fresh_page,
    opened_pages,
    page_file,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["browser", "complaints", "fresh_page", "open_page", "opened_pages", "page_file"]

ROWS = "#view-{} .row"
THREADS = "#view-threads .row"


def click_node(page: Page, id: str) -> None:
    """Clicks where the graph has a node."""
    x, y = page.evaluate(
        "id => { const {x, y} = views.plan.at.get(id), s = views.plan.surface;"
        " return [s.screenX(x + 20), s.screenY(y + 20)] }",
        id,
    )
    page.locator("#plan").click(position={"x": x, "y": y})


def chosen(page: Page) -> Any:
    return page.evaluate("app.selected && `${app.selected.kind} ${app.selected.id}`")


def test_the_head_tells_the_run_at_a_glance(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    assert "Which of them is cheaper" in page.locator("#question").inner_text()
    assert "Hofmann is cheaper" in page.locator("#answer").inner_text()
    assert page.locator("#state").inner_text().endswith("ok")
    figures = page.locator("#figures").inner_text()
    assert "nodes\n9" in figures
    assert "calls\n18" in figures
    assert "critical path" in figures
    assert "generated\n2.95k" in figures
    assert "prompt\n6.07k, 82\u00a0% cached" in figures
    assert "so far" not in figures


def test_a_click_goes_to_a_node_and_on_to_the_text_of_a_call(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    click_node(page, "7")
    details = page.locator("#details")
    assert "self-consistency" in details.inner_text()
    assert "26522.10" in details.inner_text()
    details.locator("summary", has_text="threads").click()
    details.locator("li button").first.click()
    assert chosen(page).startswith("thread root/7/sample-")
    details.locator(".is-output pre").wait_for()
    shared, own = details.locator(".is-shared pre"), details.locator(".turn:not(.is-shared) pre")
    assert "Which of them is cheaper" in shared.first.inner_text()
    assert "\\boxed{26522.10}" in own.last.inner_text()
    # Not at once, since browsers bear few changes a second.
    wait_until(page, "location.hash.endsWith('&thread=root%2F7%2Fsample-1')")


def test_nodes_of_a_failed_tool_say_why(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run, node="5")
    assert "the carrier does not answer" in page.locator("#details").inner_text()
    page.get_by_role("button", name="failed").click()
    page.keyboard.press("n")
    assert page.locator(ROWS.format("nodes")).count() == 1
    assert page.locator(ROWS.format("nodes")).inner_text().split()[:3] == ["✗", "failed", "5"]


def test_keys_go_along_edges_between_views_and_back(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run, node="3")
    press = page.keyboard.press
    press("ArrowRight")
    assert chosen(page) == "node 7"
    press("ArrowUp")
    assert chosen(page) == "node 6"
    press("ArrowLeft")
    assert chosen(page) == "node 3"
    press("t")
    press("ArrowDown")
    press("ArrowDown")
    assert chosen(page) == "thread root/6/sample-0"
    press("ArrowLeft")
    assert chosen(page) == "node 6"
    press("ArrowLeft")
    assert page.locator(ROWS.format("threads")).count() == 8 + 4 + 2
    press("l")
    press("ArrowRight")
    assert chosen(page) == "call 1"
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "details"
    press("Escape")
    assert (page.evaluate("document.activeElement.id"), chosen(page)) == ("timeline", "call 1")
    press("Escape")
    assert chosen(page) is None
    press("?")
    assert page.locator("#help dt").count() > 10
    press("Escape")
    assert not page.locator("#help").is_visible()


def test_tabs_are_tabs(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    page.get_by_role("tab", name="Plan").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Threads"
    assert page.evaluate("document.activeElement.id") == "tab-threads"
    rows = page.get_by_role("treeitem")
    assert rows.first.get_attribute("aria-expanded") == "true"
    assert rows.nth(1).get_attribute("aria-level") == "2"


def test_a_search_finds_names_first_and_then_texts_that_nobody_opened(
    fresh_page: FreshPage,
) -> None:
    page = fresh_page(plan_run)
    page.keyboard.press("/")
    page.keyboard.type("freight(Hofmann)")
    page.keyboard.press("Enter")
    wait_until(page, "app.selected?.id === '5'")
    page.keyboard.press("/")
    page.keyboard.type("52 of them cost")
    page.locator(".hit", has_text="One delivery").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert chosen(page).startswith("call ")
    page.locator(".is-output", has_text="52 of them cost").wait_for()
    page.locator("#query").fill("nobody says this")
    page.locator("#told", has_text="nothing found").wait_for()


def test_two_samples_are_compared_word_by_word(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run, thread="root/6/sample-0")
    page.keyboard.press("d")
    assert "sample-0" in page.locator("#pinned").inner_text()
    page.evaluate("app.select({kind: 'thread', id: 'root/6/sample-3'})")
    page.keyboard.press("d")
    dialog = page.locator("#diff")
    dialog.locator("del").first.wait_for()
    assert "28,848" in "".join(dialog.locator("del").all_inner_texts())
    assert "29,098" in "".join(dialog.locator("ins").all_inner_texts())
    sides = dialog.locator("pre").all_inner_texts()
    assert all("84,600 · 0.55 kg = 46,530 kg" in side for side in sides)
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert not page.locator("#pinned").is_visible()


def test_a_difference_says_so_where_it_is_of_parts(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    page.evaluate(
        """() => {
            app.data.calls.get(2).kept = app.data.calls.get(2).text;
            app.data.calls.get(2).text = null;
            return openDiff({kind: "call", id: 1}, {kind: "call", id: 2});
        }"""
    )
    assert "only a part could be read" in page.locator("#diff").inner_text()
    assert page.evaluate("document.activeElement.textContent") == "close"
    page.evaluate("app.data.calls.get(2).text = app.data.calls.get(2).kept")


def test_many_steps_in_a_second_are_one_change_of_the_address(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    # A key that is held makes thirty a second; browsers bear a hundred in ten seconds, or complain.
    page.evaluate(
        """() => {
            window.written = 0;
            history.replaceState = (...told) => (written++, History.prototype.replaceState.apply(history, told));
            for (let step = 0; step < 30; step++) app.select({kind: "node", id: String(1 + step % 9)});
        }"""
    )
    wait_until(page, "location.hash.endsWith('node=3')")
    assert page.evaluate("delete history.replaceState && written") == 1


def test_an_address_that_was_just_written_is_read_before_it_is_written_again(
    fresh_page: FreshPage,
) -> None:
    page = fresh_page(plan_run)
    # The browser tells of a changed address when this has ended.
    page.evaluate(
        "app.select({kind: 'node', id: '3'}); location.hash = '#node=5'; writeAddressNow()"
    )
    wait_until(page, "app.selected.id == '5'")
    wait_until(page, "location.hash == '#view=plan&node=5'")


def test_letters_that_nobody_sees_are_told(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    seen = page.evaluate(r"visible('a\u00ad\u{e0041}\u200b\ud800 \u{1f642} b')")
    assert seen == "a⟨U+00AD⟩⟨U+E0041⟩⟨U+200B⟩⟨U+D800⟩ 🙂 b"
    assert page.evaluate(r"make('p', '', shown('\u{e0041}\u{1f642}')).textContent") == "⟨U+E0041⟩🙂"
    hidden = page.evaluate(
        """() => Array.from({length: 0x110000}, (_, code) => code)
            .filter((code) => visible(String.fromCodePoint(code)) !== String.fromCodePoint(code))"""
    )
    # Terminals and reports hide the same ones.
    assert hidden == [code for code in range(0x110000) if HIDDEN.match(chr(code))]


def test_differences_give_back_both_texts(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    wrong = page.evaluate("""() => {
        let seed = 7;
        const chance = (most) => (seed = (seed * 48271) % 2147483647) % most;
        const words = ["a", "b ", "c\\n", "d", " ", "\\n", "ä", "12"];
        const text = () => Array.from({length: chance(40)}, () => words[chance(words.length)]).join("");
        const pairs = Array.from({length: 400}, () => [text(), text()]);
        pairs.push(["x ".repeat(50000), "y ".repeat(50000)], ["", ""], ["", "a"]);
        return pairs.filter(([before, after]) => {
            const parts = wordDiff(before, after);
            const side = (key) => parts.map((part) => part.same ?? part[key]).join("");
            return side("removed") !== before || side("added") !== after;
        }).map(([before, after]) => [before.slice(0, 100), after.slice(0, 100)]);
    }""")
    assert wrong == []
    assert page.evaluate("wordDiff('one two three', 'one 2 three')") == [
        {"same": "one "}, {"removed": "two", "added": "2"}, {"same": " three"},
    ]  # fmt: skip


def test_a_difference_is_not_sought_for_ever(fresh_page: FreshPage) -> None:
    page = fresh_page(plan_run)
    parts, left = page.evaluate("""() => {
        const words = (letter) => Array.from({length: 500}, (_, at) => letter + at);
        const work = {steps: 1000};
        const parts = [...differ(words("a"), words("b"), work), ...differ(words("c"), words("d"), work)];
        return [parts.length, work.steps];
    }""")
    assert parts == 2
    assert 0 <= left < 100


def test_it_is_dark_where_the_system_is_and_where_somebody_wants_it(
    open_page: OpenPage, page_file: PageFile
) -> None:
    def paper(page: Page) -> Any:
        body = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert page.evaluate("COLOURS.paper") == body
        return body

    page = open_page(page_file(plan_run), color_scheme="light")
    wait_until(page, "begun")
    light = paper(page)
    page.emulate_media(color_scheme="dark")
    wait_until(page, f"COLOURS.paper !== '{light}'")
    dark = paper(page)
    # On paper it is light, and dark again after that.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert paper(page) == light
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert paper(page) == dark
    page.keyboard.press("s")
    assert paper(page) == light
    page.reload()
    assert paper(page) == light


def test_it_fits_a_phone_and_prints_what_is_seen(open_page: OpenPage, page_file: PageFile) -> None:
    page = open_page(page_file(plan_run), viewport={"width": 390, "height": 800})
    wait_until(page, "begun")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.keyboard.press("t")
    assert page.evaluate("views.threads.rows.element.scrollWidth") == 390
    assert page.locator(f"{THREADS} .said").first.is_visible()
    for key, lines, has_picture in (("t", 1 + 8 + 8 + 1 + 1 + 4, False), ("g", 10, True)):
        page.keyboard.press(key)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator("#print tr").count() == lines
        assert page.locator("#print").is_visible()
        assert page.locator("#views").is_visible() == has_picture
        assert not page.locator("#bar").is_visible()
        page.emulate_media(media="screen")


def test_a_search_shows_scores_what_was_chosen_and_why_others_were_not(
    fresh_page: FreshPage,
) -> None:
    page = fresh_page(search_run)
    # Of one node there is no graph to see.
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Threads"
    rows = page.locator(THREADS)
    assert rows.count() == 25
    assert page.locator(f"{THREADS}.is-chosen").count() == 1
    assert "★" in page.locator(f"{THREADS}.is-chosen").inner_text()
    pruned = page.locator(f"{THREADS}.is-pruned")
    assert pruned.count() == 8
    assert all("passed over: " in text for text in pruned.all_inner_texts())
    widths = page.evaluate(
        f"[...document.querySelectorAll('{THREADS} .score .bar')].map(b => parseFloat(b.style.width))"
    )
    scores = [float(text) for text in page.locator(f"{THREADS} .score .number").all_inner_texts()]
    assert sorted(range(24), key=scores.__getitem__) == sorted(range(24), key=widths.__getitem__)
    pruned.first.click()
    assert "went on, the least with" in page.locator("#details .reason").inner_text()


def test_a_filter_leaves_what_was_passed_over_and_the_way_to_it(fresh_page: FreshPage) -> None:
    page = fresh_page(search_run)
    page.get_by_role("button", name="pruned").click()
    kept = page.evaluate(
        "views.threads.lines.map((line) => [line.entity.state, line.children.length])"
    )
    assert sum(state == "passed-over" for state, _ in kept) == 8
    assert all(children for state, children in kept if state != "passed-over")
    page.get_by_role("button", name="all", exact=True).click()
    page.get_by_role("button", name="close all").click()
    assert page.locator(THREADS).count() == 1
    page.locator(f"{THREADS} .toggle").click()
    assert page.locator(THREADS).count() == 1 + 8
    # What an address names is shown, whatever is closed.
    page.evaluate("location.hash = '#thread=root/puzzle/step-4/step-1/step-1'")
    page.locator(f"{THREADS}.active.is-chosen").wait_for()


def test_what_a_model_wrote_is_shown_and_not_obeyed(fresh_page: FreshPage) -> None:
    page = fresh_page(hostile_run)
    shown = HOSTILE.replace("\x1b", "␛").replace("\x00", "␀")
    shown = shown.translate({code: f"⟨U+{code:04X}⟩" for code in (0x202E, 0x202C, 0x2028)})
    assert shown in page.locator("#question").inner_text()
    for fragment in ("node=a", "node=b", "thread=root/b/sample-0", "call=1"):
        page.evaluate(f"location.hash = '#{fragment}'")
        wait_until(page, f"app.selected.id == {fragment.split('=')[1]!r}")
        for view in "gtln":
            page.keyboard.press(view)
    page.locator("#details .is-output pre", has_text=shown).wait_for()
    page.evaluate("location.hash = '#node=a'")
    page.locator("#details .reason", has_text=shown).wait_for()
    page.evaluate(
        "app.pin({kind: 'node', id: 'a'}); app.select({kind: 'node', id: 'b'}); compareChosen()"
    )
    page.locator("#diff pre").first.wait_for()
    page.evaluate(
        "document.getElementById('diff').close(); search.field.value = 'onerror'; search.field.focus(); search.run()"
    )
    page.locator("#told", has_text="found").wait_for()
    for view in "tg":
        page.keyboard.press(view)
        page.evaluate("toPaper()")
    assert "taken" not in page.title()
    inside = "img, a, body script:not([type]) ~ script, iframe, [onerror], [onclick], [style*=url]"
    assert page.locator(inside).count() == 0
