"""What was cut in a run that died stays cut: it is not asked for again, and votes no more than it did."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    FakeEngine,
    Sampling,
    Scripted,
    Usage,
)
from orchestrator.journal import JournaledEngine, open_journal
from reasoning import Answer
from reasoning.deepconf import DeepConf
from reasoning.watched_call import think_watched
from tests.orchestrator.journals import finished_in, question, rows
from tests.reasoning.confident_replies import sure

pytestmark = pytest.mark.anyio

LOGPROBS = Sampling(logprobs=20)
METHOD = DeepConf(samples=6, warm_up=3, window=8, consensus=None, sampling=Sampling(seed=3))
LEVELS = ((9.0,), (7.0,), (8.0,), (9.0, 6.0, 9.0), (9.0,), (9.0, 1.0))


def traces(context: Context, sampling: Sampling) -> Scripted:
    number = int(context.path.rpartition("-")[2])
    return sure(rf"\boxed{{{number % 2}}}".rjust(60, "."), *LEVELS[number])


async def journaled(
    path: Path, inner: Engine, use: Callable[[Engine], Awaitable[Answer]]
) -> Answer:
    async with open_journal(path) as journal:
        return await use(JournaledEngine(inner, journal))


class Watching:
    """Ends a call after its first chunk, or never."""

    def __init__(self, enough: bool) -> None:
        self.enough = enough
        self.chunks = 0

    def __call__(self, chunk: Chunk) -> str:
        self.chunks += 1
        return "enough" if self.enough else ""

    async def think(self, engine: Engine) -> Answer:
        return await think_watched(await question(engine), LOGPROBS, engine, self)


async def test_a_call_that_was_cut_is_not_made_again(tmp_path: Path) -> None:
    engine = FakeEngine(sure("abcdefgh", 5.0, 1.0), chunk_tokens=5)
    first = await journaled(tmp_path / "j", engine, Watching(True).think)
    assert (first.text, first.remark, engine.aborted) == ("abcde", "enough", 1)
    assert first.confidence is not None
    nobody = FakeEngine([])
    # Also where the watcher would think otherwise now.
    again = Watching(False)
    assert await journaled(tmp_path / "j", nobody, again.think) == first
    assert again.chunks == 0


async def test_a_call_that_came_to_its_end_is_a_finished_call(tmp_path: Path) -> None:
    engine = FakeEngine(sure("abcdefgh", 5.0, 1.0), chunk_tokens=5)
    first = await journaled(tmp_path / "j", engine, Watching(False).think)
    assert rows(tmp_path / "j", "calls") == 1
    again = await journaled(tmp_path / "j", FakeEngine([]), Watching(True).think)
    assert (again.text, again.remark, again.confidence) == ("abcdefgh", "", first.confidence)
    assert again.usage == first.usage


async def test_a_call_that_ended_before_that_was_decided_is_not_cut_later(tmp_path: Path) -> None:
    engine = FakeEngine("abcdefgh", chunk_tokens=5)

    async def finish(journaled: Engine) -> Answer:
        prompt = await question(journaled)
        return Answer.from_completion(await journaled.generate(prompt, LOGPROBS))

    await journaled(tmp_path / "j", engine, finish)
    again = await journaled(tmp_path / "j", FakeEngine([]), Watching(True).think)
    assert (again.text, again.truncated) == ("abcdefgh", False)


class Dying(EngineWrapper):
    """Its run is cancelled when so many chunks have come."""

    def __init__(self, inner: Engine, chunks: int) -> None:
        super().__init__(inner)
        self.scope = anyio.CancelScope()
        self._left = chunks

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        parts = Delivery(interval=delivery.interval)
        async with (
            self.inner.stream(context, sampling, parts) as chunks,
            aclosing(self._counted(chunks)) as passing,
        ):
            yield passing

    async def _counted(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            self._left -= 1
            if not self._left:
                self.scope.cancel()
                await anyio.sleep_forever()
            yield chunk


def essence(answer: Answer) -> object:
    def cost(usage: Usage) -> object:
        # What was cached depends on what was asked before.
        return usage.prompt_tokens, usage.generated_tokens, usage.lower_bound

    branches = [
        (
            b.status,
            b.reason,
            b.answer and (b.answer.text, b.answer.confidence, cost(b.answer.usage)),
        )
        for b in answer.branches
    ]
    return answer.value, cost(answer.usage), answer.critical_path, branches


async def deepconf(engine: Engine) -> Answer:
    return await METHOD.solve(await question(engine), engine)


async def test_a_run_that_came_to_its_end_is_replayed_with_what_was_cut(tmp_path: Path) -> None:
    engine = FakeEngine(traces, chunk_tokens=4)
    first = await journaled(tmp_path / "j", engine, deepconf)
    assert engine.aborted == 2
    assert essence(await journaled(tmp_path / "j", FakeEngine([]), deepconf)) == essence(first)


# The warm-up takes 45 chunks, threads that are cut 7 and 6, and the other one 15.
@pytest.mark.parametrize("chunks", [1, 30, 46, 60, 64, 66, 70, 73])
async def test_a_run_that_died_goes_on_and_ends_as_one_that_did_not(
    tmp_path: Path, chunks: int
) -> None:
    undisturbed = await journaled(tmp_path / "a", FakeEngine(traces, chunk_tokens=4), deepconf)
    dying = Dying(FakeEngine(traces, chunk_tokens=4), chunks)
    with dying.scope:
        await journaled(tmp_path / "b", dying, deepconf)
    assert dying.scope.cancelled_caught
    async with open_journal(tmp_path / "b") as journal:
        cut = [value for value in journal.index.decisions.values() if value != "null"]
        settled = finished_in(journal) + len(cut)
    engine = FakeEngine(traces, chunk_tokens=4)
    assert essence(await journaled(tmp_path / "b", engine, deepconf)) == essence(undisturbed)
    assert len(engine.calls) == 6 - settled
    assert settled >= 3 * (chunks > 45) + (chunks > 45 + 6 + 5 + 14)
