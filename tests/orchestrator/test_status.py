from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands.status import StatusCommand
from tests.orchestrator.here import Here, run_here
from tests.orchestrator.processes import FORKJOIN, started, to_end
from tests.orchestrator.working import Work, killed_run, working

here = run_here


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """A run that goes on while the tests look at it."""
    with working(tmp_path_factory.mktemp("status") / "runs") as found:
        yield found


@pytest.fixture
def status(work: Work, here: Here, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What `forkjoin status` shows where that run is."""
    monkeypatch.chdir(work.folder.parents[1])

    def show(*arguments: str) -> str:
        done = here("status", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return show


def words(line: str) -> list[str]:
    return line.split()


def test_a_run_that_another_process_works_on_is_shown(
    work: Work, status: Callable[..., str]
) -> None:
    shown = status("last")
    facts, *tables = [block.splitlines() for block in shown.split("\n\n")]
    named = {line[:10].rstrip(): line[10:] for line in facts}
    assert named["run"] == f"runs/{work.folder.name}"
    assert named["state"].startswith("running for ")
    assert named["state"].endswith(f" in process {work.process.pid}")
    assert named["question"] == "How many \N{REPLACEMENT CHARACTER}[2J apples?"
    assert named["nodes"] == "1 running, 1 waiting, 1 ok, 1 failed"
    assert named["calls"] == "1 open, 1 done"
    assert named[""] == "1 retried"
    assert named["tokens"] == "7 prompt, 11 generated"
    running, calls, failed, waiting = tables
    assert words(running[0]) == ["node", "running", "for", "tokens", "what"]
    assert words(running[1])[0] == "why"
    assert words(running[1])[-3:] == ["11", "think:", "why?"]
    assert words(calls[1])[0] == "why"
    assert words(calls[1])[-1] == "root/why/2"
    assert words(failed[1]) == ["bad", "no", "luck"]
    assert words(waiting[1]) == ["all", "first", "of", "sum,", "why"]


def ages(shown: dict[str, Any]) -> list[float]:
    going_on = [*shown["running_nodes"], *shown["running_calls"]]
    return [shown["seconds"], *(entry["seconds"] for entry in going_on)]


def test_json_says_what_runs_and_for_how_long(work: Work, status: Callable[..., str]) -> None:
    first = json.loads(status(work.folder.name, "--json"))
    then = json.loads(status(str(work.folder), "--json"))
    assert all(
        0 < before < after < 600 for before, after in zip(ages(first), ages(then), strict=True)
    )
    assert (first["state"], first["pid"]) == ("running", work.process.pid)
    assert [node["node"] for node in first["running_nodes"]] == ["why"]
    assert [call["path"] for call in first["running_calls"]] == ["root/why/2"]
    assert first["waiting_nodes"] == ["all"]
    assert first["failed_nodes"] == [{"node": "bad", "reason": "no\nluck"}]
    assert (first["nodes_ended"], first["nodes_planned"]) == (2, 4)
    assert first["calls"] == {"open": 1, "finished": 1, "broken": 0, "replayed": 0}


def test_a_killed_run_is_interrupted_and_says_what_was_running(tmp_path: Path, here: Here) -> None:
    folder = killed_run(tmp_path / "runs")
    done = here("status", "last")
    # When it was killed, nobody has written down.
    assert "state     interrupted; its last event came after " in done.stdout
    assert "  for at least  " in done.stdout
    assert f"go on with forkjoin resume runs/{folder.name}" in done.stdout
    assert "node was running" in done.stdout
    (folder / "config.yaml").write_text("kind: evaluation\n")
    assert f"go on with forkjoin eval --resume runs/{folder.name}" in here("status", "last").stdout


@dataclass
class Looking:
    """Looks at a run that goes on and ends after some looks, without waiting between them."""

    base: Path
    looks: int = 0

    def watch(self, *, as_json: bool) -> None:
        with working(self.base) as work:

            def look_often(seconds: float) -> None:
                self.looks += 1
                if self.looks == 5:
                    work.end()

            arguments = argparse.Namespace(
                name="last", out=str(self.base), watch=True, json=as_json
            )
            assert StatusCommand(sleep=look_often).run(arguments) == 0


def test_a_run_is_watched_to_its_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Looking(tmp_path).watch(as_json=False)
    output, errors = capfd.readouterr()
    first, last, *rest = output.splitlines()
    assert first.endswith(
        "1 running, 1 waiting, 1 ok, 1 failed · calls 1 open, 1 done · 11 tokens · 1 retried"
    )
    assert " · 1 waiting, 2 ok, 1 failed · " in last
    assert any(line.startswith("state     ok after ") for line in rest)
    assert "answer    so" in rest
    assert errors == ""


def test_a_watched_run_as_json_is_an_object_a_line_whenever_something_has_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Looking(tmp_path).watch(as_json=True)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["running", "ok"]


def test_an_end_of_watching_is_no_end_of_the_run(tmp_path: Path) -> None:
    command = [str(FORKJOIN), "status", "last", "--watch"]
    with working(tmp_path / "runs") as work, started(*command, folder=tmp_path) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        watcher.send_signal(signal.SIGINT)
        rest, errors = to_end(watcher)
        assert (watcher.returncode, rest, errors) == (130, "", "")
        assert work.process.poll() is None


@pytest.mark.parametrize("name", ["", "nothing", "/", "last/.."])
def test_a_run_that_is_not_there_is_refused_in_one_line(
    tmp_path: Path, here: Here, name: str
) -> None:
    done = here("status", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"forkjoin: there is no run {name!r} in runs: see forkjoin runs, or choose their folder with --out\n"
    )
