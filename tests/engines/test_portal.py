from __future__ import annotations

import threading
from functools import partial
from types import TracebackType

import anyio
import pytest

from engines import Context, Engine, FakeEngine, Sampling, Segment, run_in_portal
from engines.portal import PORTAL, OpensOnPortal


async def thread_name() -> str:
    await anyio.lowlevel.checkpoint()
    return threading.current_thread().name


def ask(engine: Engine) -> str:
    context = Context(Segment("user", "?", (63,)))
    return run_in_portal(partial(engine.generate, context, Sampling())).text


def test_the_function_runs_on_another_thread_and_its_value_comes_back() -> None:
    assert run_in_portal(thread_name) != threading.current_thread().name


def test_what_the_function_raises_comes_out() -> None:
    async def fail() -> None:
        raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"):
        run_in_portal(fail)
    assert run_in_portal(thread_name)


@pytest.mark.anyio
async def test_it_works_in_a_thread_whose_loop_runs_already() -> None:
    assert run_in_portal(thread_name) != threading.current_thread().name


def test_one_engine_serves_calls_on_the_portal_and_on_loops_of_its_callers() -> None:
    engine = FakeEngine(["one", "two", "three"])
    assert ask(engine) == "one"
    context = Context(Segment("user", "?", (63,)))
    assert anyio.run(engine.generate, context, Sampling()).text == "two"
    assert ask(engine) == "three"
    assert len(engine.calls) == 3


def test_callers_that_hold_the_portal_share_one_loop() -> None:
    with PORTAL:
        first = run_in_portal(thread_name)
        assert run_in_portal(thread_name) == first


def test_threads_may_use_it_at_the_same_time() -> None:
    arrived = threading.Barrier(3, timeout=300)
    names: list[str] = []

    async def meet() -> str:
        # All three have to be on the loop at once for any of them to get on.
        await anyio.to_thread.run_sync(arrived.wait)
        return await thread_name()

    threads = [threading.Thread(target=lambda: names.append(run_in_portal(meet))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert len(names) == 3
    assert len(set(names)) == 1


class Held(OpensOnPortal[str]):
    """Has a task group inside, which the task has to leave that entered it."""

    def __init__(self, at: str = "", error: BaseException | None = None) -> None:
        self._at = at
        self._error = error

    async def __aenter__(self) -> str:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        if self._error is not None and self._at == "entering":
            await self._group.__aexit__(None, None, None)
            raise self._error
        return await thread_name()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._group.__aexit__(None, None, None)
        if self._error is not None:
            raise self._error


def test_one_task_holds_what_a_plain_with_opens() -> None:
    with Held() as name:
        assert name == run_in_portal(thread_name)


@pytest.mark.parametrize("at", ["entering", "leaving"])
def test_what_opening_and_closing_raise_comes_out_as_it_is(at: str) -> None:
    with pytest.raises(KeyError, match="oops"), Held(at, KeyError("oops")):
        assert at == "leaving"
    assert run_in_portal(thread_name)


def test_what_the_block_raises_closes_it_and_comes_out() -> None:
    held = Held()
    with pytest.raises(ValueError, match="mine"), held:
        raise ValueError("mine")
    with held:
        pass
