from __future__ import annotations

import anyio
import pytest

from engines import Context, EngineError, FakeEngine, Sampling, Usage, converse
from orchestrator import Event, GenerationFinished, TokensGenerated
from orchestrator.events import EventBus
from orchestrator.recording import RecordingEngine, UsageLedger
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio


class Recorder:
    """A recording engine over a fake, with all that it tells."""

    def __init__(self, inner: FakeEngine) -> None:
        self.inner = inner
        self.events: list[Event] = []
        self.ledger = UsageLedger()
        self.bus = EventBus(anyio.current_time, (self.events.append,))

    def of(self, node: str) -> RecordingEngine:
        return RecordingEngine(self.inner, node, self.bus, self.ledger)

    @property
    def finished(self) -> list[GenerationFinished]:
        return [event for event in self.events if isinstance(event, GenerationFinished)]

    async def assert_agrees_with_the_engine(self) -> None:
        statistics = await self.inner.statistics()
        assert statistics.running == 0
        assert self.ledger.total.prompt_tokens == statistics.prompt_tokens
        assert self.ledger.total.generated_tokens == statistics.generated_tokens


async def prompt_on(engine: FakeEngine, name: str = "root") -> Context:
    return await converse(engine, [("user", "Why is the sea salty?"), ("assistant", "")], name=name)


async def test_a_finished_call_is_booked_as_the_engine_counts_it() -> None:
    recorder = Recorder(FakeEngine("Because of rivers.", chunk_tokens=5))
    prompt = await prompt_on(recorder.inner)
    completion = await recorder.of("1").generate(prompt, Sampling())
    assert completion.text == "Because of rivers."
    assert recorder.ledger.of("1") == recorder.ledger.total == completion.usage
    assert not completion.usage.lower_bound
    tokens = [event.tokens for event in recorder.events if isinstance(event, TokensGenerated)]
    assert tokens == [5, 5, 5, 3]
    (finished,) = recorder.finished
    assert finished is recorder.events[-1]
    assert (finished.node, finished.path, finished.finish_reason) == ("1", "root", "stop")
    assert finished.usage == completion.usage
    await recorder.assert_agrees_with_the_engine()


async def test_a_call_cut_by_its_limit_is_no_lower_bound() -> None:
    recorder = Recorder(FakeEngine("Because of rivers."))
    prompt = await prompt_on(recorder.inner)
    await recorder.of("1").generate(prompt, Sampling(max_tokens=4))
    assert recorder.finished[0].finish_reason == "length"
    assert recorder.ledger.total.generated_tokens == 4
    assert not recorder.ledger.total.lower_bound


async def test_a_call_left_early_counts_what_was_received_as_a_lower_bound() -> None:
    recorder = Recorder(FakeEngine("x" * 100, chunk_tokens=10))
    prompt = await prompt_on(recorder.inner)
    async with recorder.of("1").stream(prompt, Sampling()) as chunks:
        async for chunk in chunks:
            if chunk.usage.generated_tokens == 30:
                break
    usage = recorder.ledger.of("1")
    assert (usage.generated_tokens, usage.lower_bound) == (30, True)
    assert recorder.finished[0].finish_reason == "aborted"
    assert recorder.inner.aborted == 1
    await recorder.assert_agrees_with_the_engine()


def test_a_cancelled_call_counts_what_was_received_as_a_lower_bound() -> None:
    async def run() -> None:
        recorder = Recorder(FakeEngine("x" * 100, chunk_tokens=10, seconds_per_token=1))
        prompt = await prompt_on(recorder.inner)
        with anyio.move_on_after(25) as scope:
            await recorder.of("1").generate(prompt, Sampling())
        assert scope.cancelled_caught
        assert recorder.ledger.of("1").generated_tokens == 20
        assert recorder.ledger.of("1").lower_bound
        assert recorder.finished[0].seconds == 25
        await recorder.assert_agrees_with_the_engine()

    run_virtually(run)


async def test_a_call_that_fails_is_booked_as_failed_and_its_error_is_raised() -> None:
    recorder = Recorder(FakeEngine([EngineError("down")]))
    prompt = await prompt_on(recorder.inner)
    with pytest.raises(EngineError, match="down"):
        await recorder.of("1").generate(prompt, Sampling())
    assert recorder.finished[0].finish_reason == "failed"
    assert recorder.ledger.total.generated_tokens == 0
    await recorder.assert_agrees_with_the_engine()


async def test_the_ledger_splits_the_total_by_node() -> None:
    recorder = Recorder(FakeEngine(["one", "three", "five!"]))
    for node in ("a", "b", "a"):
        prompt = await prompt_on(recorder.inner, node)
        await recorder.of(node).generate(prompt, Sampling())
    ledger = recorder.ledger
    assert ledger.of("a").generated_tokens == 8
    assert ledger.of("b").generated_tokens == 5
    assert ledger.of("nobody") == Usage()
    assert ledger.of("a") + ledger.of("b") == ledger.total
    await recorder.assert_agrees_with_the_engine()


async def test_everything_else_goes_to_the_engine_inside() -> None:
    inner = FakeEngine("ok")
    engine = Recorder(inner).of("1")
    assert (engine.model, engine.capabilities) == (inner.model, inner.capabilities)
    assert await engine.decode((104, 105)) == "hi"
    assert await engine.statistics() == await inner.statistics()
