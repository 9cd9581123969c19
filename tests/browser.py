"""The system's Chromium without a screen, for tests of pages: driven by Playwright, watched for complaints.

A test module imports the fixtures `browser`, `complaints` and `open_page`; it skips where Chromium or Playwright is
absent. Playwright keeps an event loop running in this thread while it is there, in which no other loop can start. So a
browser lives for one module, which starts loops of its own in other threads only.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-proxy-server"]

# On a busy machine a page may take long.
_MILLISECONDS = 120_000

OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("there is no chromium")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=binary, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages had to complain of; a test that expects some takes them out."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens pages as `watched` does."""
    with watched(browser, complaints) as opened:
        yield opened


@contextmanager
def watched(browser: Browser, complaints: list[str] | None = None) -> Iterator[OpenPage]:
    """Opens an address in a page of its own; at the end none may have complained.

    Keyword arguments are those of a browser context, such as `color_scheme` and `viewport`.
    """
    contexts = []
    complaints = [] if complaints is None else complaints

    def opened(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        context.set_default_timeout(_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        # What a policy forbids is told on the console too.
        page.on("console", lambda told: complaints.append(f"{told.type}: {told.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.goto(url)
        wait_until(page, "document.body.ariaBusy !== 'true'")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def wait_until(page: Page, expression: str) -> None:
    """Waits until an expression is true; Playwright's own way needs a policy that lets texts be run."""
    for _ in range(_MILLISECONDS // 10):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(10)
    pytest.fail(f"never true: {expression}")
