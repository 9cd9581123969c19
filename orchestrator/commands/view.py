"""`forkjoin view`: look at a run in the browser, also while it goes on, or make a page or a trace of it."""

from __future__ import annotations

import argparse
import json
import sys
import webbrowser
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import anyio

from engines import MissingExtra, UsageError, single_error

from ..runs.run_record import read_configuration
from ..runs.run_search import LAST, find_run
from ..runs.words import printable
from ..tools.daemon_thread import run_in_daemon_thread
from ..viewer.page_file import PAGE, page_of
from ..viewer.perfetto import TRACE, trace_of
from ..viewer.run_picture import RunPicture
from .output import write

_LIBRARIES = ("starlette", "uvicorn")
_LARGEST_PORT = 65535
# Bytes of a run that take some seconds to be read.
_LARGE = 20_000_000
# Of an evaluation and of a batch there is something else to see.
_ROWS = ".jsonl"


class ViewCommand:
    """Shows a run."""

    summary = "look at a run in the browser, also while it goes on"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("name", metavar="RUN", help="its name, its folder, or last")
        add("--out", metavar="DIR", default="runs", help="where run folders are (default: runs)")
        add("--export", metavar="FILE.html", type=Path,
            help="write one page that needs no server, and serve nothing")  # fmt: skip
        add("--perfetto", metavar="FILE.json", type=Path,
            help="write a trace for ui.perfetto.dev, and serve nothing")  # fmt: skip
        add("--host", metavar="HOST", default="127.0.0.1",
            help="where to listen; others can read the run where they can reach it (default: 127.0.0.1)")  # fmt: skip
        add("--port", metavar="N", type=int, default=0, help="the same (default: one that is free)")
        add("--open", action="store_true", help="open it in the browser")

    def run(self, arguments: argparse.Namespace) -> int:
        """Writes what is asked for, or serves until it is stopped."""
        folder = _run_folder(arguments.out, arguments.name)
        _check_places(arguments.export, arguments.perfetto)
        picture = RunPicture(folder)
        size = picture.size
        if size >= _LARGE:
            _say(f"reading {folder}, {size / 1e6:,.0f} MB")
        picture.look()
        # The first to read all of the journal: it may find that it is torn, which the picture tells.
        texts = {} if arguments.export is None else picture.texts()
        if picture.note and not picture.is_live:
            _say(picture.note)
        if arguments.export is None and arguments.perfetto is None:
            return _serve(picture, folder, arguments)
        if arguments.export is not None:
            PAGE.write(arguments.export, page_of(picture.data(), texts).html)
            write(f"wrote {arguments.export}")
        if arguments.perfetto is not None:
            trace = json.dumps(trace_of(picture.data()), separators=(",", ":"))
            TRACE.write(arguments.perfetto, trace)
            write(f"wrote {arguments.perfetto}; open it at https://ui.perfetto.dev")
        return 0


def _run_folder(base: str, name: str) -> Path:
    """The folder of a run that has a plan to show.

    Raises:
        RunUnreadable: There is no such run.
        UsageError: It is an evaluation, or a batch.
    """
    if name != LAST and Path(name).suffix == _ROWS and Path(name).is_file():
        raise UsageError(f"{name} is a file of rows, and no run: see forkjoin batch --help")
    folder = find_run(base, name)
    if read_configuration(folder).get("kind") == "evaluation":
        raise UsageError(f"{folder} is an evaluation: make its page with forkjoin report {folder}")
    return folder


def _check_places(page: Path | None, trace: Path | None) -> None:
    """Says early that a file cannot go where it is wanted.

    Raises:
        UsageError: A folder or something else is there.
        RunFolderError: The place cannot be read or written.
    """
    for place, kind in ((page, PAGE), (trace, TRACE)):
        if place is None:
            continue
        if place.is_dir():
            raise UsageError(f"{kind.option} {place} is a folder: name a file in it")
        kind.check(place)


def _say(text: str) -> None:
    sys.stderr.write(f"forkjoin: {printable(text)}\n")
    sys.stderr.flush()


def _serve(picture: RunPicture, folder: Path, arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.port <= _LARGEST_PORT:
        raise UsageError(f"--port {arguments.port}: give a number from 0 to {_LARGEST_PORT}")
    if any(find_spec(library) is None for library in _LIBRARIES):
        raise MissingExtra(
            "what serves a page (Starlette, uvicorn; --export needs neither)", "serve"
        )
    from ..viewer.viewer_server import serve

    async def until_stopped() -> None:
        def ready(address: str) -> None:
            write(printable(f"{folder.name} is at {address} (Ctrl-C ends it)"))
            if arguments.open:
                # A browser in the terminal returns when it is left, and has to be answered before.
                group.start_soon(run_in_daemon_thread, partial(webbrowser.open, address))

        with single_error():
            async with anyio.create_task_group() as group:
                await serve(picture, host=arguments.host, port=arguments.port, ready=ready)

    try:
        anyio.run(until_stopped)
    except KeyboardInterrupt:
        # It is how one leaves it.
        return 0
    return 0


command = ViewCommand()
