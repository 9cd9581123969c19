from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.orchestrator.processes import environment, is_alive

# Writes the child's process id and session, prints a line, and stays until it is killed.
_SCRIPT = """\
import multiprocessing
import os
import select
import signal
import sys
import time
from pathlib import Path

from engines.process_guard import guarded_children, kill_session

folder = Path(sys.argv[1])


def note(name, text):
    scratch = folder / f"{name}.part"
    scratch.write_text(text)
    scratch.rename(folder / name)


def child():
    print("printed by the child", flush=True)
    os.write(2, b"written below Python\\n")
    note("child", f"{os.getpid()} {os.getsid(0)} {os.getppid()}")
    time.sleep(120)


if __name__ == "__main__":
    # Who starts the tests in the background may have the signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    context = multiprocessing.get_context("spawn")
    with guarded_children(folder / "log"):
        process = context.Process(target=child)
        process.start()
    try:
        note("unguarded", str("forkjoin.guard" not in multiprocessing.current_process()._config))
        # A signal that comes just before one long wait would not end it.
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            pass
        if sys.stdin.readline().strip() == "kill":
            kill_session(process)
            process.join()
            kill_session(process)
            note("killed", str(process.exitcode))
        process.join()
    except KeyboardInterrupt:
        note("interrupted", "")
        time.sleep(120)
"""
_SECONDS = 300


@dataclass(frozen=True)
class Family:
    folder: Path
    parent: subprocess.Popen[str]
    child: int
    session: int


def wait_until(condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.02)


@contextmanager
def started(folder: Path) -> Iterator[Family]:
    script = folder / "family.py"
    script.write_text(_SCRIPT)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment(), "PYTHONPATH": root},
        start_new_session=True,
    )
    child = 0
    try:
        wait_until((folder / "child").exists)
        child, session, ancestor = map(int, (folder / "child").read_text().split())
        assert ancestor == parent.pid
        yield Family(folder, parent, child, session)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()
        if child and is_alive(child):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    with started(tmp_path) as running:
        yield running


def test_the_child_goes_when_its_parent_is_killed(family: Family) -> None:
    assert is_alive(family.child)
    family.parent.kill()
    family.parent.wait()
    wait_until(
        lambda: not is_alive(family.child),
    )


def test_an_interrupt_of_the_parent_s_group_does_not_reach_the_child(family: Family) -> None:
    wait_until((family.folder / "unguarded").exists)
    os.killpg(family.parent.pid, signal.SIGINT)
    wait_until((family.folder / "interrupted").exists)
    # Had the signal reached it, the child would have ended with a traceback in its log.
    assert is_alive(family.child)
    assert "KeyboardInterrupt" not in (family.folder / "log").read_text()


def test_the_child_has_a_session_of_its_own(family: Family) -> None:
    assert family.session == family.child
    assert family.session != os.getsid(family.parent.pid)


def test_what_the_child_prints_is_in_the_log_and_nowhere_else(family: Family) -> None:
    log = (family.folder / "log").read_text()
    assert "printed by the child" in log
    assert "written below Python" in log
    family.parent.kill()
    output, _ = family.parent.communicate()
    assert output == ""


def test_after_the_block_children_are_no_longer_guarded(family: Family) -> None:
    wait_until((family.folder / "unguarded").exists)
    assert (family.folder / "unguarded").read_text() == "True"


def test_a_guarded_child_can_be_killed_and_killing_it_again_is_fine(family: Family) -> None:
    family.parent.communicate("kill\n", timeout=_SECONDS)
    assert (family.folder / "killed").read_text() == str(-signal.SIGKILL)
    assert not is_alive(family.child)
