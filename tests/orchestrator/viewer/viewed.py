"""Runs as pages, for tests with a browser: as a file, and on a server.

The fixture `page_file` makes files of runs, once for a module; `fresh_page` opens each once for a module, too, and
hands every test a page as it was at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal

from orchestrator.viewer.page_file import PAGE, page_of
from orchestrator.viewer.run_picture import RunPicture
from orchestrator.viewer.viewer_server import serve
from tests.browser import wait_until, watched
from tests.orchestrator.processes import SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Runs = Callable[[Path], Path]
PageFile = Callable[[Runs], str]
FreshPage = Callable[..., "Page"]

# To open a page takes ten times as long as most tests do with it.
_AS_IT_BEGAN = """() => {
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    app.pin(null);
    app.select(null);
    app.setFilter("all");
    views.threads._openAll(true);
    for (const name of ["plan", "timeline"]) views[name].surface.zoomBy("fit");
    app.show(app.data.nodes.size === 1 && app.data.threads.size > 1 ? "threads" : "plan");
    document.getElementById("query").value = "";
    document.activeElement.blur();
    clearTimeout(app.writing);
    history.replaceState(null, "", "#");
    app.address = location.hash;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> PageFile:
    """The address of the file of a run, each made once."""
    made: dict[Runs, str] = {}

    def address(run: Runs) -> str:
        if run not in made:
            folder = tmp_path_factory.mktemp("runs")
            # Playwright's loop runs in this thread.
            with ThreadPoolExecutor(1) as other_thread:
                made[run] = other_thread.submit(_export, run, folder).result().as_uri()
        return made[run]

    return address


@pytest.fixture(scope="module")
def opened_pages(
    browser: Browser, page_file: PageFile
) -> Iterator[tuple[Callable[[Runs], Page], list[str]]]:
    pages: dict[Runs, Page] = {}
    complaints: list[str] = []
    with watched(browser, complaints) as opened:

        def page(run: Runs) -> Page:
            if run not in pages:
                pages[run] = opened(page_file(run))
                wait_until(pages[run], "begun")
            return pages[run]

        yield page, complaints


@pytest.fixture
def fresh_page(opened_pages: tuple[Callable[[Runs], Page], list[str]]) -> Iterator[FreshPage]:
    """The page of a run as it was at its beginning, or where an address such as `node=5` leads; none may complain."""
    opened, complaints = opened_pages

    def page(run: Runs, **named: Any) -> Page:
        found = opened(run)
        found.evaluate(_AS_IT_BEGAN)
        for kind, id in named.items():
            found.evaluate(f"location.hash = '#{kind}={id}'")
            wait_until(found, f"app.selected?.id == {id!r}")
        return found

    yield page
    told = complaints.copy()
    complaints.clear()
    assert told == []


def _export(run: Runs, folder: Path) -> Path:
    picture = RunPicture(run(folder / "runs"))
    picture.look()
    path = folder / "run.html"
    PAGE.write(path, page_of(picture.data(), picture.texts()).html)
    return path


@contextmanager
def served(portal: BlockingPortal, folder: Path) -> Iterator[str]:
    """The address at which the viewer shows a run folder."""
    listening, addresses = Event(), list[str]()

    def ready(address: str) -> None:
        addresses.append(address)
        listening.set()

    async def show() -> None:
        picture = RunPicture(folder)
        await serve(picture, host="127.0.0.1", port=0, ready=ready)

    scope = portal.call(anyio.CancelScope)

    async def until_left() -> None:
        with scope:
            await show()

    future = portal.start_task_soon(until_left)
    try:
        assert listening.wait(SECONDS), "the viewer does not listen"
        yield addresses[0]
    finally:
        portal.call(scope.cancel)
        future.result(SECONDS)
