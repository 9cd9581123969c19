from __future__ import annotations

import itertools

import anyio
import pytest

from engines import (
    STREAMED,
    BudgetExhausted,
    Context,
    EngineError,
    FakeEngine,
    Sampling,
    Usage,
    converse,
)
from orchestrator import Event, GenerationFinished, GenerationStarted
from orchestrator.events import EventBus
from orchestrator.recording import RecordingEngine
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio


class Recorder:
    """A recording engine over a fake, with all that it tells."""

    def __init__(self, inner: FakeEngine) -> None:
        self.inner = inner
        self.events: list[Event] = []
        self.bus = EventBus(anyio.current_time, (self.events.append,))
        self.numbers = itertools.count(1)

    def of(self, node: str) -> RecordingEngine:
        return RecordingEngine(self.inner, node, self.bus, self.numbers)

    @property
    def finished(self) -> list[GenerationFinished]:
        return [event for event in self.events if isinstance(event, GenerationFinished)]


async def prompt_on(engine: FakeEngine, name: str = "root") -> Context:
    return await converse(engine, [("user", "Why is the sea salty?"), ("assistant", "")], name=name)


async def test_a_call_is_told_when_it_starts_and_when_it_ends() -> None:
    recorder = Recorder(FakeEngine("Because of rivers."))
    prompt = await prompt_on(recorder.inner)
    completion = await recorder.of("1").generate(prompt, Sampling())
    assert completion.text == "Because of rivers."
    started, finished = recorder.events
    assert isinstance(started, GenerationStarted)
    assert (started.node, started.call, started.path) == ("1", 1, "root")
    assert isinstance(finished, GenerationFinished)
    assert (finished.node, finished.call, finished.path) == ("1", 1, "root")
    assert (finished.finish_reason, finished.usage) == ("stop", completion.usage)
    assert (finished.replayed, finished.limited_by) == (False, None)
    assert not completion.usage.lower_bound


async def test_the_calls_of_all_nodes_are_numbered() -> None:
    recorder = Recorder(FakeEngine("ok"))
    for node in ("a", "b", "a"):
        await recorder.of(node).generate(await prompt_on(recorder.inner, node), Sampling())
    assert [(event.node, event.call) for event in recorder.finished] == [
        ("a", 1), ("b", 2), ("a", 3),
    ]  # fmt: skip


async def test_a_call_cut_by_its_limit_is_no_lower_bound() -> None:
    recorder = Recorder(FakeEngine("Because of rivers."))
    prompt = await prompt_on(recorder.inner)
    await recorder.of("1").generate(prompt, Sampling(max_tokens=4))
    (finished,) = recorder.finished
    assert finished.finish_reason == "length"
    assert finished.usage.generated_tokens == 4
    assert not finished.usage.lower_bound


async def test_a_call_left_early_counts_what_was_received_as_a_lower_bound() -> None:
    recorder = Recorder(FakeEngine("x" * 100, chunk_tokens=10))
    prompt = await prompt_on(recorder.inner)
    async with recorder.of("1").stream(prompt, Sampling()) as chunks:
        async for chunk in chunks:
            if chunk.usage.generated_tokens == 30:
                break
    (finished,) = recorder.finished
    assert finished.finish_reason == "aborted"
    assert (finished.usage.generated_tokens, finished.usage.lower_bound) == (30, True)
    assert recorder.inner.aborted == 1


def test_a_cancelled_call_counts_what_was_received_as_a_lower_bound() -> None:
    async def run() -> None:
        recorder = Recorder(FakeEngine("x" * 100, chunk_tokens=10, seconds_per_token=1))
        prompt = await prompt_on(recorder.inner)
        with anyio.move_on_after(25) as scope:
            await recorder.of("1").generate(prompt, Sampling(), STREAMED)
        assert scope.cancelled_caught
        (finished,) = recorder.finished
        assert (finished.usage.generated_tokens, finished.usage.lower_bound) == (20, True)
        assert finished.seconds == 25

    run_virtually(run)


@pytest.mark.parametrize(
    "error",
    [EngineError("down"), BudgetExhausted("tokens", 5, 5, "root")],
    ids=["engine", "budget"],
)
async def test_a_call_that_fails_is_told_as_failed_and_its_error_is_raised(
    error: EngineError,
) -> None:
    recorder = Recorder(FakeEngine([error]))
    prompt = await prompt_on(recorder.inner)
    with pytest.raises(type(error)):
        await recorder.of("1").generate(prompt, Sampling())
    (finished,) = recorder.finished
    assert (finished.finish_reason, finished.usage) == ("failed", Usage())


async def test_a_call_that_a_budget_refuses_tells_of_what_there_was_too_little() -> None:
    recorder = Recorder(FakeEngine([BudgetExhausted("tokens", 9, 9, "root")]))
    with pytest.raises(BudgetExhausted):
        await recorder.of("1").generate(await prompt_on(recorder.inner), Sampling())
    (told,) = recorder.finished
    assert (told.finish_reason, told.limited_by) == ("failed", "tokens")


async def test_everything_else_goes_to_the_engine_inside() -> None:
    inner = FakeEngine("ok")
    engine = Recorder(inner).of("1")
    assert (engine.model, engine.capabilities) == (inner.model, inner.capabilities)
    assert await engine.decode((104, 105)) == "hi"
    assert await engine.statistics() == await inner.statistics()
