from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engines import (
    STREAMED,
    Chunk,
    Completion,
    Context,
    Delivery,
    Engine,
    EngineError,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    KOfN,
    Logprob,
    Passage,
    Sampling,
    Segment,
    TokenLogprobs,
    Usage,
    join,
)
from orchestrator.journal import JournaledEngine, RepeatedName, open_journal, read_journal
from tests.orchestrator.journals import journaled, question, reply, rows

pytestmark = pytest.mark.anyio

DURABLE = Delivery(durable=True)
LOGPROBS = (
    TokenLogprobs(Logprob(" a", -0.1, 7), (Logprob(" a", -0.1, 7), Logprob("\ud800", -2.5))),
    TokenLogprobs(Logprob("", -math.inf, 2**32 - 1)),
)


class Ending(EngineWrapper):
    """Changes the last chunk of every call."""

    def __init__(self, inner: Engine, change: Callable[[Chunk], Chunk]) -> None:
        super().__init__(inner)
        self._change = change

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        async def changed(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
            async for chunk in chunks:
                yield self._change(chunk) if chunk.finish_reason else chunk

        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield changed(chunks)


async def both_times(path: Path, engine: Engine, sampling: Sampling) -> list[Completion]:
    completions = []
    for _ in range(2):
        async with open_journal(path) as journal:
            recording = JournaledEngine(engine, journal)
            completions.append(await recording.generate(await question(engine), sampling))
    return completions


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_finished_call_is_answered_by_the_journal(tmp_path: Path, text_only: bool) -> None:
    inner = FakeEngine("Rivers wash salt, out of rocks.", text_only=text_only)
    first, second = await both_times(tmp_path / "j", inner, Sampling(stop=(",",)))
    assert len(inner.calls) == 1
    assert first.text == second.text == "Rivers wash salt"
    assert first.token_ids == second.token_ids
    assert first.context.digest == second.context.digest
    assert (first.finish_reason, first.stop_reason) == ("stop", ",")
    assert (second.finish_reason, second.stop_reason) == ("stop", ",")
    assert first.usage == second.usage


@pytest.mark.parametrize(
    "change",
    [
        lambda chunk: replace(chunk, stop_reason=7),
        lambda chunk: replace(chunk, stop_reason="7"),
        lambda chunk: replace(chunk, stop_reason="\ud800"),
        lambda chunk: replace(chunk, text="half a pair \ud83d and \0 nothing"),
        lambda chunk: replace(chunk, text="東京 🗼"),
        lambda chunk: replace(chunk, usage=Usage(prompt_tokens=3, cached_tokens=None)),
        lambda chunk: replace(chunk, usage=Usage(generated_tokens=9, lower_bound=True)),
        lambda chunk: replace(chunk, token_ids=(0, 2**32 - 1)),
        lambda chunk: replace(chunk, token_ids=()),
        lambda chunk: replace(chunk, logprobs=LOGPROBS),
        lambda chunk: replace(chunk, passages=(Passage(1, 2, 1), Passage(None, 0, 0))),
    ],
)
async def test_nothing_of_an_answer_is_lost(
    tmp_path: Path, change: Callable[[Chunk], Chunk]
) -> None:
    engine = Ending(FakeEngine("ok"), change)
    first, second = await both_times(tmp_path / "j", engine, Sampling())
    assert replace(first, context=second.context) == second
    assert first.context.segment == second.context.segment
    assert type(first.stop_reason) is type(second.stop_reason)


async def test_a_replayed_answer_is_one_chunk_that_says_so(tmp_path: Path) -> None:
    seen: list[list[Chunk]] = []

    async def use(engine: JournaledEngine) -> None:
        async with engine.stream(await question(engine), Sampling()) as chunks:
            seen.append([chunk async for chunk in chunks])

    await journaled(tmp_path / "j", use)
    inner = await journaled(tmp_path / "j", use)
    first, second = seen
    assert len(first) > 1
    assert not any(chunk.replayed for chunk in first)
    (whole,) = second
    assert whole.replayed
    assert whole.text == "".join(chunk.text for chunk in first)
    assert whole.token_ids == tuple(id for chunk in first for id in chunk.token_ids)
    assert inner.calls == []


async def test_only_the_same_request_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "j"

    async def ask(engine: Engine, name: str, sampling: Sampling) -> None:
        await engine.generate(await question(engine, name), sampling)

    await journaled(path, lambda engine: ask(engine, "a", Sampling(seed=1)))
    for name, sampling, new in [
        ("a", Sampling(seed=1), 0),
        ("b", Sampling(seed=1), 1),
        ("a", Sampling(seed=2), 1),
        ("a", Sampling(), 1),
        ("a", Sampling(seed=1, temperature=0.71), 1),
        ("a", Sampling(seed=1, max_tokens=511), 1),
    ]:
        inner = await journaled(path, lambda engine: ask(engine, name, sampling))  # noqa: B023 -- awaited at once
        assert len(inner.calls) == new, (name, sampling)


async def test_engines_with_one_journal_are_told_apart_by_their_fingerprints(
    tmp_path: Path,
) -> None:
    class Other(FakeEngine):
        @property
        def fingerprint(self) -> str:
            return "another"

    planner, judge = FakeEngine("plan"), Other("verdict")
    async with open_journal(tmp_path / "j") as journal:
        for engine, text in ((planner, "plan"), (judge, "verdict")):
            completion = await JournaledEngine(engine, journal).generate(
                await question(engine), Sampling(seed=1)
            )
            assert completion.text == text


async def test_what_is_passed_on_is_in_the_journal(tmp_path: Path) -> None:
    """Looked at from outside, at the moment at which the caller gets it."""
    path = tmp_path / "j"
    kept: list[str] = []
    got: list[str] = []

    async def use(engine: JournaledEngine) -> None:
        async with engine.stream(await question(engine), Sampling(), DURABLE) as chunks:
            async for chunk in chunks:
                got.append("".join([*got[-1:], chunk.text]))
                with read_journal(path) as reader:
                    (call,) = reader.calls()
                kept.append(call.output.text)
                assert call.finish_reason == chunk.finish_reason

    await journaled(path, use)
    assert len(got) > 2
    assert kept == got


async def test_two_calls_that_are_the_same_are_a_mistake(tmp_path: Path) -> None:
    async def one_after_another(engine: JournaledEngine) -> None:
        for _ in range(2):
            await engine.generate(await question(engine), Sampling())

    async def side_by_side(engine: JournaledEngine) -> None:
        context = await question(engine)
        async with engine.stream(context, Sampling()), engine.stream(context, Sampling()):
            raise AssertionError("the second call was made")

    for number, use in enumerate([one_after_another, side_by_side]):
        for _ in range(2):
            with pytest.raises(RepeatedName, match=r"'root'.*a name of its own"):
                await journaled(tmp_path / str(number), use)


async def test_a_call_that_failed_or_was_left_may_be_made_again(tmp_path: Path) -> None:
    async def use(engine: JournaledEngine) -> None:
        script: list[str | ForkjoinError] = [EngineUnavailable("gone"), "first", "second"]
        engine.inner = FakeEngine(script, chunk_tokens=2)
        context = await question(engine)
        with pytest.raises(EngineUnavailable):
            await engine.generate(context, Sampling())
        async with engine.stream(context, Sampling()) as chunks:
            assert (await anext(chunks)).text == "fi"
        assert (await engine.generate(context, Sampling())).text == "second"

    await journaled(tmp_path / "j", use)


async def test_a_branch_that_is_repeated_makes_only_what_is_unfinished(tmp_path: Path) -> None:
    failures = [EngineUnavailable("gone")]

    def script(context: Context, sampling: Sampling) -> str | EngineUnavailable:
        return failures.pop() if context.path == "root/b/next" and failures else context.path

    inner = FakeEngine(script)
    async with open_journal(tmp_path / "j") as journal:
        engine = JournaledEngine(inner, journal)
        root = await question(engine)

        async def branch(name: str) -> str:
            first = await engine.generate(root.fork(name), Sampling())
            return (await engine.generate(first.context.fork("next"), Sampling())).text

        outcomes = await join(
            [lambda: branch("a"), lambda: branch("b")], KOfN(2), repeats=1, engine=engine, path="r"
        )
        assert [outcome.value for outcome in outcomes] == ["root/a/next", "root/b/next"]
        assert journal.statistics().replayed == 1
    paths = sorted(call.context.path for call in inner.calls)
    assert paths == ["root/a", "root/a/next", "root/b", "root/b/next", "root/b/next"]


@pytest.mark.parametrize("delivery", [STREAMED, DURABLE], ids=["streamed", "durable"])
async def test_the_logprobs_of_all_parts_are_kept(tmp_path: Path, delivery: Delivery) -> None:
    async def use(engine: JournaledEngine) -> None:
        asked = Sampling(logprobs=1)
        found.append(await engine.generate(await question(engine), asked, delivery))

    found: list[Completion] = []
    await journaled(tmp_path / "j", use)
    assert (await journaled(tmp_path / "j", use)).calls == []
    first, second = found
    assert "".join(place.chosen.text for place in first.logprobs) == first.text
    assert second.logprobs == first.logprobs


async def test_a_durable_call_can_be_gone_on_from(tmp_path: Path) -> None:
    path, sampling = tmp_path / "j", Sampling(logprobs=1)

    async def begin(engine: JournaledEngine) -> None:
        async with engine.stream(await question(engine), sampling, DURABLE) as chunks:
            for _ in range(3):
                received.append(await anext(chunks))

    async def look(engine: JournaledEngine) -> None:
        found.extend(await engine.unfinished(await question(engine), sampling))

    async def end(engine: JournaledEngine) -> None:
        await engine.generate(await question(engine), sampling, DURABLE)

    received: list[Chunk] = []
    found: list[Chunk] = []
    await journaled(path, begin)
    await journaled(path, look)
    assert [replace(chunk, replayed=False) for chunk in found] == received
    assert all(len(chunk.logprobs) == len(chunk.token_ids) for chunk in found)
    assert (await journaled(path, end)).calls
    found.clear()
    await journaled(path, look)
    assert found == []
    assert (await journaled(path, end)).calls == []


async def test_the_parts_of_a_durable_call_go_when_it_ends(tmp_path: Path) -> None:
    async def use(engine: JournaledEngine) -> None:
        await engine.generate(await question(engine), Sampling(), DURABLE)

    await journaled(tmp_path / "j", use)
    with read_journal(tmp_path / "j") as reader:
        (call,) = reader.calls()
        assert call.output.text.startswith("root: ")
        assert call.finish_reason == "stop"
    assert rows(tmp_path / "j", "parts") == 0


async def test_a_call_that_is_left_keeps_what_it_received_for_people(tmp_path: Path) -> None:
    path = tmp_path / "j"

    async def leave(engine: JournaledEngine) -> None:
        async with engine.stream(await question(engine), Sampling()) as chunks:
            await anext(chunks)
            await anext(chunks)

    async def be_cancelled(engine: JournaledEngine) -> None:
        context = await question(engine, "other")
        with anyio.CancelScope() as scope:
            async with engine.stream(context, Sampling()) as chunks:
                await anext(chunks)
                scope.cancel()
                await anext(chunks)

    async def make(engine: JournaledEngine) -> None:
        await engine.generate(await question(engine), Sampling())

    await journaled(path, leave)
    await journaled(path, be_cancelled)
    with read_journal(path) as reader:
        texts = {call.context.path: call.output.text for call in reader.calls()}
        assert not any(call.finish_reason for call in reader.calls())
    assert {name: len(text) for name, text in texts.items()} == {"root": 14, "other": 7}
    assert len((await journaled(path, make)).calls) == 1
    assert (await journaled(path, make)).calls == []


async def test_a_call_that_a_budget_cut_is_made_again_when_it_was_raised(tmp_path: Path) -> None:
    path = tmp_path / "j"
    inner = FakeEngine(reply)
    cut = Ending(inner, lambda chunk: replace(chunk, finish_reason="length", limited_by="tokens"))

    async def ask(engine: Engine, raised: frozenset[str]) -> Completion:
        async with open_journal(path, raised=raised) as journal:
            context = await question(engine)
            return await JournaledEngine(engine, journal).generate(context, Sampling())

    await ask(cut, frozenset())
    again = await ask(inner, frozenset({"seconds"}))
    assert (again.limited_by, again.truncated, len(inner.calls)) == ("tokens", True, 1)
    again = await ask(inner, frozenset({"tokens"}))
    assert (again.limited_by, again.truncated, len(inner.calls)) == (None, False, 2)
    last = await ask(inner, frozenset())
    assert (last.text, last.limited_by, len(inner.calls)) == (again.text, None, 2)


async def test_what_is_common_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "j"

    async def use(engine: JournaledEngine, rounds: int) -> None:
        root = await question(engine)
        for name in ("a", "b"):
            context = root.fork(name)
            for _ in range(rounds):
                completion = await engine.generate(context, Sampling())
                context = completion.context.extend(Segment("user", "More.", (1,)))

    # The two turns of the question; for each fork itself and its outputs, and "More." between those.
    for rounds, stored in [(2, 2 + 2 * 4), (2, 2 + 2 * 4), (3, 2 + 2 * 6), (4, 2 + 2 * 8)]:
        await journaled(path, lambda engine: use(engine, rounds))  # noqa: B023 -- awaited at once
        assert rows(path, "contexts") + rows(path, "calls") == stored
    with read_journal(path) as reader:
        calls = list(reader.calls())
    assert calls[0].context.parent is calls[2].context.parent
    for call in calls:
        assert reply(call.context, call.sampling) == call.output.text


async def test_an_empty_output_is_no_fork_and_a_fork_no_output(tmp_path: Path) -> None:
    async def use(engine: JournaledEngine) -> None:
        engine.inner = FakeEngine("")
        root = await question(engine)
        end = await engine.generate(root, Sampling())
        await engine.generate(root.fork("a"), Sampling())
        await engine.generate(end.context.fork("b"), Sampling())

    await journaled(tmp_path / "j", use)
    with read_journal(tmp_path / "j") as reader:
        paths = [call.context.path for call in reader.calls()]
    assert paths == ["root", "root/a", "root/b"]


async def test_an_engine_that_ends_without_a_reason_leaves_no_finished_call(tmp_path: Path) -> None:
    async def use(engine: JournaledEngine) -> None:
        engine.inner = Ending(FakeEngine("ok"), lambda chunk: replace(chunk, finish_reason=None))
        with pytest.raises(EngineError, match="without saying why"):
            await engine.generate(await question(engine), Sampling())

    await journaled(tmp_path / "j", use)
    with read_journal(tmp_path / "j") as reader:
        assert [call.finish_reason for call in reader.calls()] == [None]
