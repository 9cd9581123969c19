"""Chromium without a screen, over the HTTP protocol of WebDriver: enough of it to open a page and to click.

A test module takes the fixture by `browser = chromium.browser`; it skips where Chromium is absent.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-proxy-server",
]
_STARTED = "was started successfully on port "


class Browser:
    """A page in a browser.

    Args:
        client: Reaches the session.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def open(self, path: Path, fragment: str = "") -> None:
        self._post("url", url=f"{path.as_uri()}{fragment}")

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; elements come as their ids."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def run_until(self, script: str) -> None:
        """Waits until a script returns true; events and timers come on their own time."""
        for _ in range(500):
            if self.run(script):
                return
        pytest.fail(f"never true: {script}")

    def click(self, selector: str) -> None:
        element = self._post("element", using="css selector", value=selector)
        self._post(f"element/{element[_ELEMENT]}/click")

    def type(self, selector: str, text: str) -> None:
        element = self._post("element", using="css selector", value=selector)
        self._post(f"element/{element[_ELEMENT]}/value", text=text)

    def texts(self, selector: str) -> list[str]:
        """What can be read in the elements that are to be seen."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter((one) => one.checkVisibility()).map((one) => one.innerText)",
            selector,
        )
        return found

    def resize(self, width: int, height: int) -> None:
        self._post("window/rect", width=width, height=height)

    def emulate(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._post("goog/cdp/execute", cmd=command, params=parameters)

    def logged(self) -> list[dict[str, Any]]:
        """What the page had to complain of."""
        found: list[dict[str, Any]] = self._post("se/log", type="browser")
        return found

    def save_screenshot(self, path: Path) -> None:
        response = self._client.get("screenshot")
        path.write_bytes(base64.b64decode(response.json()["value"]))

    def _post(self, command: str, **data: Any) -> Any:
        response = self._client.post(command, json=data)
        answer = response.json()["value"]
        assert response.is_success, answer
        return answer


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or binary is None:
        pytest.skip("there is no Chromium with its driver")
    command = [driver, "--port=0"]
    # In a group of its own with the browser, so that neither outlives a test that fails.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield from _session(process, binary, tmp_path_factory.mktemp("chromium"))
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _session(process: subprocess.Popen[str], binary: str, profile: Path) -> Iterator[Browser]:
    assert process.stdout is not None
    started = next(line for line in process.stdout if _STARTED in line)
    port = started.rpartition(_STARTED)[2].strip(". \n")
    options = {"binary": binary, "args": [*_ARGUMENTS, f"--user-data-dir={profile}"]}
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    sessions = f"http://127.0.0.1:{port}/session"
    with httpx.Client(timeout=60, trust_env=False) as client:
        response = client.post(sessions, json={"capabilities": {"alwaysMatch": wanted}})
        assert response.is_success, response.text
        session = f"{sessions}/{response.json()['value']['sessionId']}"
        client.base_url = httpx.URL(f"{session}/")
        try:
            yield Browser(client)
        finally:
            assert client.delete(session).is_success
