from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.orchestrator.here import Here, run_here
from tests.orchestrator.processes import FORKJOIN, SECONDS, in_process, started
from tests.orchestrator.viewer.viewed_runs import plan_run

here = run_here


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder of a run, where commands run."""
    shutil.copytree(plan_run(), tmp_path / "runs" / "mine")
    return tmp_path / "runs"


def test_a_page_and_a_trace_are_written_in_the_place_of_those_before(
    here: Here, runs: Path
) -> None:
    for _ in range(2):
        done = here("view", "last", "--export", "run.html", "--perfetto", "run.json")
        assert (done.returncode, done.stderr) == (0, "")
        told = "wrote run.html\nwrote run.json; open it at https://ui.perfetto.dev\n"
        assert done.stdout == told
    assert "<title>mine · forkjoin view</title>" in (runs.parent / "run.html").read_text()
    assert json.loads((runs.parent / "run.json").read_text())["traceEvents"]


def test_a_run_is_found_by_its_path_too(here: Here, runs: Path) -> None:
    done = here("view", str(runs / "mine"), "--out", "nowhere", "--export", "run.html")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no run 'nowhere' in runs: see forkjoin runs"),
        (["mine", "--port", "99999"], "--port 99999: give a number from 0 to 65535"),
        (["mine", "--host", "no.such.name.invalid"], "--host no.such.name.invalid: it cannot listen there"),
        (["mine", "--export", "runs"], "--export runs is a folder: name a file in it"),
        (["mine", "--perfetto", "runs"], "--perfetto runs is a folder: name a file in it"),
        (["mine", "--export", "mine.txt"], "mine.txt is no page of forkjoin view, and is left as it is"),
        (["mine", "--export", "no/run.html"], "there is no folder no: make it, or choose another with --export"),
        (["mine", "--perfetto", "no/run.json"], "there is no folder no: make it, or choose another with --perfetto"),
        (["mine", "--perfetto", "mine.txt"], "mine.txt is no trace, and is left as it is"),
        (["evaluation"], "runs/evaluation is an evaluation: make its page with forkjoin report runs/evaluation"),
        (["answers.jsonl"], "answers.jsonl is a file of rows, and no run"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_one_line(
    here: Here, runs: Path, arguments: list[str], message: str
) -> None:
    (runs.parent / "mine.txt").write_text("mine")
    (runs.parent / "answers.jsonl").write_text("{}\n")
    (runs / "evaluation").mkdir()
    (runs / "evaluation" / "config.yaml").write_text("schema_version: 1\nkind: evaluation\n")
    done = here("view", *arguments)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"forkjoin: {message}")
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert (runs.parent / "mine.txt").read_text() == "mine"
    assert not list(runs.parent.glob(".*.part"))


def test_a_run_is_served_until_it_is_interrupted(runs: Path) -> None:
    with started(FORKJOIN, "view", "mine", folder=runs.parent, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("mine is at http://127.0.0.1:")
        address = line.split()[3]
        with urlopen(f"{address}picture?since=0", timeout=SECONDS) as answer:
            assert len(json.load(answer)["nodes"]) == 5
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_port_that_is_taken_is_told_as_such(here: Here, runs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = here("view", "mine", "--port", port)
    assert done.stderr.startswith(f"forkjoin: --port {port}: it cannot listen there")
    assert done.stderr.endswith("choose another port, or leave it out\n")


def test_a_large_run_is_announced_before_it_is_read(here: Here, runs: Path) -> None:
    with (runs / "mine" / "events.jsonl").open("ab") as file:
        file.truncate(30_000_000)
    done = here("view", "mine", "--export", "run.html")
    assert re.match(r"forkjoin: reading runs/mine, 30 MB\n", done.stderr)
    assert done.returncode == 0


_OPENING = """
import threading, time
import orchestrator.commands.view as view
from orchestrator.command_line import main
view.webbrowser.open = lambda address: (print("opened", flush=True), threading.Event().wait())
main(["view", "mine", "--open"])
"""


def test_a_browser_that_does_not_return_holds_up_nobody(runs: Path) -> None:
    command = (sys.executable, "-c", _OPENING)
    with started(*command, folder=runs.parent, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[3]
        assert process.stdout.readline() == "opened\n"
        with urlopen(address, timeout=SECONDS) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0


_WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in ("starlette", "uvicorn"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import importlib.util
real = importlib.util.find_spec
import orchestrator.commands.view as view
view.find_spec = lambda name: None
from orchestrator.command_line import main
print(main(["view", "mine", "--export", "run.html"]), main(["view", "mine"]))
print([name for name in ("starlette", "uvicorn", "torch", "transformers", "vllm") if name in sys.modules])
"""


def test_a_page_needs_no_server(runs: Path) -> None:
    done = in_process(sys.executable, "-c", _WITHOUT, folder=runs.parent)
    assert done.stdout == "wrote run.html\n0 2\n[]\n"
    assert "uv pip install 'forkjoin[serve]'" in done.stderr
