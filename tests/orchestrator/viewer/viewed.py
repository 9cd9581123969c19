"""Runs as pages, for tests with a browser: as a file, and on a server.

The fixture `page_files` makes files of the real runs, once for a module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import anyio
import pytest
from anyio.from_thread import BlockingPortal

from orchestrator.viewer.page_file import page_of, write_page
from orchestrator.viewer.run_picture import RunPicture
from orchestrator.viewer.viewer_server import serve

Runs = Callable[[Path], Path]
PageFile = Callable[[Runs], str]


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


def _export(run: Runs, folder: Path) -> Path:
    picture = RunPicture(run(folder / "runs"))
    picture.look()
    path = folder / "run.html"
    write_page(path, page_of(picture.data(), picture.texts()))
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
        assert listening.wait(30), "the viewer does not listen"
        yield addresses[0]
    finally:
        portal.call(scope.cancel)
        future.result(30)
