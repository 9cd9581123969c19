from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import current_default_thread_limiter

from reasoning.equality import Pool
from reasoning.equality import worker as module
from tests.reasoning.equality_programs import STUB, asking, use


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """A virtual clock does not wait for threads, and spins."""
    return str(request.param)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Pool]:
    use(monkeypatch, tmp_path)
    pool = Pool(2)
    yield pool
    pool.close()


@pytest.mark.anyio
async def test_hundreds_of_tasks_wait_without_anybody_elses_threads(pool: Pool) -> None:
    found: dict[int, bool | None] = {}

    async def ask(number: int) -> None:
        found[number] = await pool.compare(asking(str(number % 7), "3"))
        assert current_default_thread_limiter().borrowed_tokens == 0

    async with anyio.create_task_group() as group:
        for number in range(300):
            group.start_soon(ask, number)
    assert found == {number: number % 7 == 3 for number in range(300)}
    assert pool.counts.started == 2
    assert pool.counts.asked == 300


@pytest.mark.anyio
async def test_bait_kills_its_own_worker_only(pool: Pool) -> None:
    found: list[bool | None] = []

    async def ask(answer: str) -> None:
        found.append(await pool.compare(asking("1", answer, 0.05 if answer == "forever" else 60)))

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(ask, "forever" if number % 10 == 0 else "1")
    assert found.count(True) == 36
    assert found.count(None) == 4
    assert pool.counts.killed == 4


@pytest.mark.anyio
async def test_no_more_are_started_than_are_needed(pool: Pool) -> None:
    for _ in range(5):
        assert await pool.compare(asking("1", "1"))
    assert pool.counts.started == 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_that_is_cancelled_leaves_its_worker_to_others(pool: Pool) -> None:
    assert await pool.compare(asking("1", "1"))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(pool.compare, asking("1", "later"))
            group.start_soon(pool.compare, asking("1", "later"))
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    assert await pool.compare(asking("2", "2")) is True


def test_one_pool_serves_one_event_loop_after_another(pool: Pool) -> None:
    for backend in ("asyncio", "trio", "asyncio"):
        assert anyio.run(pool.compare, asking("1", "1"), backend=backend) is True
    assert pool.counts.started == 1


def test_closing_ends_what_runs_and_later_questions_are_answered(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker never answers, so that only closing ends it.
    reading, read = threading.Event(), module._read

    def waits(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        if seconds == module._SECONDS_TO_ANSWER:
            reading.set()
        return read(process, seconds)

    monkeypatch.setattr(module, "_read", waits)
    found: list[bool | None] = []
    thread = threading.Thread(
        target=lambda: found.append(pool.ask(asking("1", "forever", seconds=600))), daemon=True
    )
    thread.start()
    assert reading.wait(60)
    pool.close()
    thread.join(60)
    assert found == [None]
    assert pool.ask(asking("1", "1")) is True


FORKING = """
import os, pathlib, sys
from reasoning.equality import Pool, worker
worker._PROGRAM = pathlib.Path(sys.argv[1])
request = {"known": "1", "answer": "1", "seconds": 60}
pool = Pool(1)
assert pool.ask(request)
process = pool._workers[0]._process
child = os.fork()
if not child:
    try:
        assert pool._workers[0]._process is None
        assert pool.ask(request)
        assert pool._workers[0]._process.pid != process.pid
        pool.close()
        os._exit(7)
    finally:
        os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert process.poll() is None and pool._workers[0]._process is process
assert pool.ask(request)
"""


def test_a_forked_child_has_workers_of_its_own(tmp_path: Path) -> None:
    # In a program of its own, since the tests have threads, and forking beside those is risky.
    program = tmp_path / "stub.py"
    program.write_text(STUB)
    subprocess.run(
        [sys.executable, "-c", FORKING, program], cwd=Path(__file__).parents[2], check=True
    )
