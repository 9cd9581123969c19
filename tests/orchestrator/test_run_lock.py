from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from orchestrator.errors import RunInUse
from orchestrator.runs import run_lock
from orchestrator.runs.run_lock import RunLock, lock_holder
from tests.orchestrator.processes import started

HOLDING = """
import sys
from pathlib import Path
from orchestrator.runs.run_lock import RunLock

lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_holds(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDING, str(folder)]
    with started(*command, stdin=subprocess.PIPE, stderr=None) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_lock_says_who_holds_it_and_leaves_nothing_when_it_is_given_back(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None
    lock = RunLock(tmp_path)
    holder = lock_holder(tmp_path)
    assert holder is not None
    assert holder.pid == os.getpid()
    assert holder.started.tzinfo is not None
    lock.release()
    lock.release()
    assert lock_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_refused_to_the_same_process_too(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with pytest.raises(RunInUse, match=f"process {os.getpid()} works on the run"):
        RunLock(tmp_path)
    lock.release()
    RunLock(tmp_path).release()


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with another_process_holds(tmp_path) as process:
        with pytest.raises(RunInUse) as caught:
            RunLock(tmp_path)
        assert caught.value.pid == process.pid
        assert f"process {process.pid} works on the run {tmp_path}" in str(caught.value)
        assert f"forkjoin cancel {tmp_path}" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2


def test_the_kernel_gives_back_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    with another_process_holds(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / "lock").read_text(), "what it left is no lock any more"
        assert lock_holder(tmp_path) is None
        RunLock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"pid": 1}', '{"pid": 0, "started": "2026-01-01"}']
)
def test_a_lock_that_says_nothing_sensible_names_no_process(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "_TRIES", 10)
    lock = RunLock(tmp_path)
    (tmp_path / "lock").write_text(content)
    with pytest.raises(OSError, match="does not say by which process"):
        lock_holder(tmp_path)
    lock.release()


def test_looking_at_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    """A look holds the lock for a moment too."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            lock_holder(tmp_path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(200):
            RunLock(tmp_path).release()
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()


def contend(folder: Path, met: Event) -> None:
    taken = 0
    # All go on until one of them was refused: on a busy machine they may hardly run side by side.
    while taken < 100 or not met.is_set():
        try:
            lock = RunLock(folder)
        except RunInUse:
            met.set()
            continue
        taken += 1
        # Made and removed by one process at a time only, or one of these two fails.
        os.close(os.open(folder / "only-one", os.O_CREAT | os.O_EXCL))
        os.unlink(folder / "only-one")
        lock.release()


def test_of_processes_that_want_a_lock_one_has_it_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    met = context.Event()
    processes = [context.Process(target=contend, args=(tmp_path, met)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert met.is_set()
