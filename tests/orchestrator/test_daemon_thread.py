from __future__ import annotations

import threading

import anyio
import pytest

from orchestrator.tools.daemon_thread import run_in_daemon_thread


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Real clocks: a virtual one would jump while a thread works."""
    return str(request.param)


@pytest.mark.anyio
async def test_the_result_comes_back_from_a_daemon_thread() -> None:
    thread: threading.Thread = await run_in_daemon_thread(threading.current_thread)
    assert thread is not threading.current_thread()
    assert thread.daemon


@pytest.mark.anyio
@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), KeyboardInterrupt()])
async def test_what_the_function_raises_is_raised_to_the_caller(error: BaseException) -> None:
    def fail() -> None:
        raise error

    caught: list[BaseException] = []
    try:
        await run_in_daemon_thread(fail)
    except BaseException as raised:
        caught.append(raised)
    assert caught == [error]


@pytest.mark.anyio
async def test_a_cancelled_wait_leaves_the_thread_behind() -> None:
    release = threading.Event()
    ended = threading.Event()

    def work() -> None:
        release.wait(60)
        ended.set()

    with anyio.move_on_after(0.05) as scope:
        await run_in_daemon_thread(work)
    assert scope.cancelled_caught
    assert not ended.is_set()
    release.set()
    assert await anyio.to_thread.run_sync(ended.wait, 60)


def test_a_thread_that_outlives_the_event_loop_ends_in_silence() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        release.wait(60)

    async def leave() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(run_in_daemon_thread, work)
            while not threads:  # noqa: ASYNC110 -- a thread does it
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    anyio.run(leave)
    release.set()
    # An exception in the thread would be a warning, and warnings are errors.
    threads[0].join(60)
    assert not threads[0].is_alive()
