"""Starting vLLM and changing one's mind. A process that sleeps stands for the core."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

import anyio
import anyio.to_thread
import pytest

from engines import EngineError

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


class SlowCore:
    """Instead of AsyncLLM: starts a core that is never ready."""

    def __init__(self) -> None:
        self.started: list[BaseProcess] = []
        self.has_started = threading.Event()
        self.asked_as = ""

    def from_engine_args(self, arguments: Any, *, usage_context: Any, stat_loggers: Any) -> None:
        self.asked_as = usage_context.value
        core = sleeping_core()
        self.started.append(core)
        self.has_started.set()
        core.join()
        raise RuntimeError("the core failed")


def sleeping_core() -> BaseProcess:
    core = multiprocessing.get_context("spawn").Process(
        target=time.sleep, args=(600,), name="EngineCore"
    )
    core.start()
    return core


@pytest.fixture
def vllm_start(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = importlib.import_module("engines.vllm_start")
    monkeypatch.setattr(module, "AsyncLLM", SlowCore())
    monkeypatch.setattr(module, "AsyncEngineArgs", lambda **options: options)
    return module


@pytest.fixture
def other_core() -> Iterator[BaseProcess]:
    core = sleeping_core()
    yield core
    core.kill()
    core.join()


def test_a_cancelled_start_stops_its_core_and_no_other(
    vllm_start: Any, other_core: BaseProcess
) -> None:
    start = vllm_start.VllmStart("model", {})

    async def change_ones_mind() -> bool:
        with anyio.move_on_after(300) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(start.run)
                await anyio.to_thread.run_sync(vllm_start.AsyncLLM.has_started.wait)
                scope.cancel()
        return scope.cancelled_caught

    assert anyio.run(change_ones_mind)
    (core,) = vllm_start.AsyncLLM.started
    core.join(60)
    assert not core.is_alive()
    assert other_core.is_alive()
    assert not start.log.exists()
    # With what vLLM takes for any other user, a large GPU runs an eighth of the sequences at once.
    assert vllm_start.AsyncLLM.asked_as == "OPENAI_API_SERVER"


def test_a_start_that_waits_for_another_can_be_cancelled(
    vllm_start: Any, other_core: BaseProcess
) -> None:
    start = vllm_start.VllmStart("model", {})

    async def change_ones_mind() -> bool:
        with anyio.move_on_after(0.5) as scope:
            await start.run()
        return scope.cancelled_caught

    environment = importlib.import_module("engines.vllm_environment")
    with environment.START_LOCK:
        assert anyio.run(change_ones_mind)
    assert not vllm_start.AsyncLLM.started
    assert other_core.is_alive()


def test_a_start_whose_thread_never_begins_can_be_cancelled(vllm_start: Any) -> None:
    async def change_ones_mind() -> list[bool]:
        caught = []
        with anyio.CancelScope() as before:
            before.cancel()
            await vllm_start.VllmStart("model", {}).run()
        caught.append(before.cancelled_caught)
        released = threading.Event()
        limiter = anyio.to_thread.current_default_thread_limiter()
        async with anyio.create_task_group() as group:
            for _ in range(int(limiter.total_tokens)):
                group.start_soon(partial(anyio.to_thread.run_sync, released.wait))
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.2) as meanwhile:
                await vllm_start.VllmStart("model", {}).run()
            caught.append(meanwhile.cancelled_caught)
            released.set()
        return caught

    assert anyio.run(change_ones_mind) == [True, True]
    assert not vllm_start.AsyncLLM.started


def test_a_core_that_fails_is_an_error_with_the_first_cause_of_its_log(
    vllm_start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingCore:
        def from_engine_args(self, arguments: Any, **options: Any) -> None:
            start.log.write_text("(core) ValueError: no room\n(core) RuntimeError: it failed\n")
            raise RuntimeError("see the log")

    monkeypatch.setattr(vllm_start, "AsyncLLM", FailingCore())
    start = vllm_start.VllmStart("model", {})
    with pytest.raises(EngineError, match=r"cannot start model: ValueError: no room \(its log:"):
        anyio.run(start.run)
    start.log.unlink()
