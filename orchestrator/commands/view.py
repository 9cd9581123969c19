"""`forkjoin view`: look at a run in the browser, also while it goes on, or make a page or a trace of it."""

from __future__ import annotations

import argparse
import json
import webbrowser
from importlib.util import find_spec
from pathlib import Path

import anyio

from engines import MissingExtra, UsageError

from ..runs.run_record import read_configuration
from ..runs.run_search import LAST, find_run
from ..runs.words import printable
from ..viewer.page_file import check_page_place, page_of, write_page
from ..viewer.perfetto import trace_of
from ..viewer.run_picture import RunPicture
from ..viewer.whole_file import write_whole_file
from .output import write

_LIBRARIES = ("starlette", "uvicorn")
_LARGEST_PORT = 65535
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
        if arguments.export is not None:
            check_page_place(arguments.export)
        picture = RunPicture(folder)
        picture.look()
        if arguments.export is None and arguments.perfetto is None:
            return _serve(picture, folder, arguments)
        if arguments.export is not None:
            write_page(arguments.export, page_of(picture.data(), picture.texts()))
            write(f"wrote {arguments.export}")
        if arguments.perfetto is not None:
            trace = json.dumps(trace_of(picture.data()), separators=(",", ":"))
            write_whole_file(arguments.perfetto, trace)
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


def _serve(picture: RunPicture, folder: Path, arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.port <= _LARGEST_PORT:
        raise UsageError(f"--port {arguments.port}: give a number from 0 to {_LARGEST_PORT}")
    if any(find_spec(library) is None for library in _LIBRARIES):
        raise MissingExtra(
            "what serves a page (Starlette, uvicorn; --export needs neither)", "serve"
        )
    from ..viewer.viewer_server import serve

    def ready(address: str) -> None:
        write(printable(f"{folder.name} is at {address} (Ctrl-C ends it)"))
        if arguments.open:
            webbrowser.open(address)

    async def until_stopped() -> None:
        await serve(picture, host=arguments.host, port=arguments.port, ready=ready)

    try:
        anyio.run(until_stopped)
    except KeyboardInterrupt:
        # It is how one leaves it.
        return 0
    return 0


command = ViewCommand()
