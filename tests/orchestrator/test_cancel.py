from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from engines import FakeEngine, RunError
from orchestrator.commands.cancel import CancelCommand
from orchestrator.runs.run_lock import RunLock, lock_holder
from tests.engines.servers import chat_app, serving
from tests.orchestrator.here import Here, run_here
from tests.orchestrator.processes import FORKJOIN, SECONDS, started, to_end
from tests.orchestrator.working import killed_run, working

here = run_here


def test_a_run_is_stopped_and_says_so_when_it_has_ended(tmp_path: Path, here: Here) -> None:
    with working(tmp_path / "runs") as work:
        done = here("cancel", "last")
        assert work.process.wait(SECONDS) == 130
        name = f"runs/{work.folder.name}"
        assert done.stderr.splitlines() == [
            f"stopping process {work.process.pid}; waiting for at most 30 s",
            f"the run {name} is cancelled: go on with forkjoin resume {name}",
        ]
    assert (done.returncode, done.stdout) == (0, "")


def test_a_run_of_the_command_line_ends_as_by_ctrl_c(tmp_path: Path, here: Here) -> None:
    engine = FakeEngine("x" * 100_000, seconds_per_token=0.01, text_only=True)
    with serving(chat_app(engine)) as url:
        options = ["--planner", "single", "--engine", url, "--max-tokens", "90000"]
        with started(FORKJOIN, "run", "Why?", *options, folder=tmp_path) as running:
            assert running.stderr is not None
            while not (line := running.stderr.readline()).startswith("▶ 1"):
                assert line, "it ended early"
            shown = json.loads(here("status", "last", "--json").stdout)
            assert (shown["state"], shown["pid"]) == ("running", running.pid)
            assert [node["node"] for node in shown["running_nodes"]] == ["1"]
            assert "is cancelled: go on with forkjoin resume" in here("cancel", "last").stderr
            _, errors = to_end(running)
    assert running.returncode == 130
    assert errors.splitlines()[-1] == "forkjoin: cancelled"
    assert json.loads(here("runs", "--json").stdout)[0]["state"] == "cancelled"


def test_a_process_that_does_not_stop_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with working(tmp_path, deaf=True) as work:
        arguments = argparse.Namespace(name=work.folder.name, out=str(tmp_path))
        with pytest.raises(RunError) as caught:
            CancelCommand(patience=0.1).run(arguments)
        assert work.process.poll() is None
        assert f"process {work.process.pid} still works on the run {work.folder}" in str(
            caught.value
        )
        assert f"end it with kill -9 {work.process.pid}" in str(caught.value)
        assert caught.value.exit_code == 1


def test_a_process_that_left_its_pid_but_not_its_lock_is_not_touched(
    tmp_path: Path, here: Here
) -> None:
    """The number may belong to somebody else by now: here to a process that would die of the signal."""
    folder = killed_run(tmp_path / "runs")
    with working(tmp_path / "others") as other:
        signature = (other.folder / "lock").read_text()
        (folder / "lock").write_text(signature)
        done = here("cancel", folder.name)
        assert other.process.poll() is None
        assert lock_holder(other.folder) is not None
    assert done.returncode == 2
    assert done.stderr == (
        f"forkjoin: nobody works on the run runs/{folder.name}, which is interrupted: there is nothing to cancel; "
        f"go on with forkjoin resume runs/{folder.name}\n"
    )
    (folder / "config.yaml").write_text("kind: evaluation\n")
    assert here("cancel", "last").stderr.endswith(
        f"go on with forkjoin eval --resume runs/{folder.name}\n"
    )


def test_a_run_that_has_its_answer_is_not_cancelled(tmp_path: Path, here: Here) -> None:
    with working(tmp_path / "runs") as work:
        work.end()
    done = here("cancel", "last")
    assert done.returncode == 2
    assert "has come to its end: there is nothing to cancel" in done.stderr


def test_a_process_that_is_not_here_is_named(tmp_path: Path) -> None:
    """As when a run folder on a shared disk is held on another machine."""
    folder = killed_run(tmp_path)
    lock = RunLock(folder)
    # No process has a number beyond the largest.
    (folder / "lock").write_text('{"pid": 4194305, "started": "2026-01-01T00:00:00+00:00"}')
    with pytest.raises(RunError, match="process 4194305 is not here"):
        CancelCommand().run(argparse.Namespace(name=folder.name, out=str(tmp_path)))
    lock.release()
