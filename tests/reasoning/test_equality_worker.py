from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning import EqualityUnavailable
from reasoning.equality import worker as module
from reasoning.equality.worker import Worker
from tests.reasoning.equality_programs import asking, use


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Worker]:
    use(monkeypatch, tmp_path)
    worker = Worker()
    yield worker
    worker.end()


def test_it_tells_equal_from_unequal_and_from_unread(worker: Worker) -> None:
    assert worker.ask(asking("1", "1")) is True
    assert worker.ask(asking("1", "2")) is False
    assert worker.ask(asking("1", "unread")) is None
    assert (worker.counts.asked, worker.counts.killed, worker.counts.started) == (3, 0, 1)


def test_what_takes_too_long_is_killed_and_holds_up_nothing_else(worker: Worker) -> None:
    assert worker.ask(asking("1", "forever", seconds=0.05)) is None
    assert worker.counts.killed == 1
    assert worker.ask(asking("1", "1")) is True
    assert worker.counts.started == 2


def test_only_work_counts_so_that_a_busy_machine_marks_nothing_wrong(worker: Worker) -> None:
    # It waits for longer than it may work.
    assert worker.ask(asking("later", "later", seconds=0.2)) is True
    assert worker.counts.killed == 0


def test_what_needs_too_much_memory_cannot_be_told_and_ends_nothing(worker: Worker) -> None:
    assert worker.ask(asking("1", "huge")) is None
    assert worker.ask(asking("1", "1")) is True
    assert worker.counts.started == 1


def test_a_process_that_was_killed_is_started_again(worker: Worker) -> None:
    assert worker.ask(asking("1", "1"))
    process = worker._process
    assert process is not None
    process.kill()
    process.wait()
    assert worker.ask(asking("1", "1")) is True
    assert worker.counts.killed == 0


def test_a_process_that_somebody_stopped_is_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worker.ask(asking("1", "1"))
    process = worker._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_SECONDS_TO_ANSWER", 0)
        assert worker.ask(asking("1", "1")) is None
    assert process.poll() is not None
    assert worker.ask(asking("1", "1")) is True


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise ImportError('no module math_verify')", "said 'ImportError: no module math_verify'"),
        ("pass", "its process ended: run"),
    ],
)
def test_one_that_does_not_start_is_an_error_that_says_why(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, reason: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    with monkeypatch.context() as patch:
        use(patch, broken, program)
        with pytest.raises(
            EqualityUnavailable, match=r"math-verify does not start.*uv pip"
        ) as caught:
            worker.ask(asking("1", "1"))
    assert reason in str(caught.value)
    assert worker.ask(asking("1", "1")) is True


def test_one_that_is_not_ready_in_time_is_an_error(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # It never is, however late somebody looks.
    use(monkeypatch, tmp_path, "import time; time.sleep(600)")
    monkeypatch.setattr(module, "_SECONDS_TO_START", 0)
    with pytest.raises(EqualityUnavailable, match="not ready in 0 s"):
        worker.ask(asking("1", "1"))


def test_after_close_it_tells_nothing(worker: Worker) -> None:
    assert worker.ask(asking("1", "1"))
    worker.close()
    worker.close()
    assert worker.ask(asking("1", "1")) is None


def test_closed_while_it_starts_it_tells_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = module._read

    def closing(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        worker.close()
        return read(process, seconds)

    monkeypatch.setattr(module, "_read", closing)
    assert worker.ask(asking("1", "1")) is None
