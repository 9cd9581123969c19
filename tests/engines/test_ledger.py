from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    Engine,
    EngineUnavailable,
    FakeEngine,
    LedgerEngine,
    PartwiseEngine,
    Sampling,
    Usage,
    converse,
)
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio


async def question(engine: Engine, name: str = "root") -> Context:
    return await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name=name)


async def test_a_call_is_written_down_with_what_it_said_and_cost() -> None:
    ledger = LedgerEngine(FakeEngine("the answer is 4"))
    prompt = await question(ledger)
    completion = await ledger.generate(prompt, Sampling())
    (entry,) = ledger.entries
    assert entry.context is prompt
    assert (entry.text, entry.token_ids) == (completion.text, completion.token_ids)
    assert entry.usage == completion.usage == ledger.usage
    assert not entry.usage.lower_bound


async def test_an_empty_ledger_has_cost_nothing() -> None:
    assert LedgerEngine(FakeEngine()).usage == Usage()


async def test_calls_stand_in_the_order_in_which_they_began() -> None:
    engine = FakeEngine(lambda context, sampling: context.path)
    ledger = LedgerEngine(engine)
    first, second = await question(ledger, "first"), await question(ledger, "second")
    async with ledger.stream(first, Sampling()) as chunks:
        await ledger.generate(second, Sampling())
        assert [chunk.text async for chunk in chunks] == ["first"]
    assert [entry.text for entry in ledger.entries] == ["first", "second"]
    assert ledger.usage.prompt_tokens == (await engine.statistics()).prompt_tokens


async def test_a_call_that_fails_leaves_its_place() -> None:
    ledger = LedgerEngine(FakeEngine([EngineUnavailable("busy")]))
    with pytest.raises(EngineUnavailable, match="busy"):
        await ledger.generate(await question(ledger), Sampling())
    (entry,) = ledger.entries
    assert (entry.text, entry.token_ids, entry.usage) == ("", (), Usage(lower_bound=True))


async def test_a_text_only_engine_has_no_ids() -> None:
    ledger = LedgerEngine(FakeEngine("four", text_only=True))
    await ledger.generate(await question(ledger), Sampling())
    assert (ledger.entries[0].text, ledger.entries[0].token_ids) == ("four", ())


async def test_a_reader_that_leaves_early_has_what_it_read_written_down() -> None:
    engine = FakeEngine("x" * 100, chunk_tokens=10)
    ledger = LedgerEngine(engine)
    prompt = await question(ledger)
    async with ledger.stream(prompt, Sampling()) as chunks:
        async for _ in chunks:
            break
    assert (len(ledger.entries[0].text), engine.aborted) == (10, 1)
    assert ledger.usage == Usage(
        prompt_tokens=len(prompt.token_ids), generated_tokens=10, lower_bound=True
    )


def cut(make: Callable[[LedgerEngine], Engine], seconds: float) -> tuple[LedgerEngine, FakeEngine]:
    """A call that is read whole, of 100 tokens at one a second, and cut after some time."""
    engine = FakeEngine("x" * 100, seconds_per_token=1, chunk_tokens=4)
    ledger = LedgerEngine(engine)

    async def main() -> None:
        outer = make(ledger)
        with anyio.move_on_after(seconds):
            await outer.generate(await question(outer), Sampling())

    run_virtually(main)
    return ledger, engine


@given(st.integers(1, 120))
def test_seen_in_parts_a_cut_call_is_exactly_what_the_engine_did(seconds: int) -> None:
    ledger, engine = cut(PartwiseEngine, seconds + 0.5)
    statistics = anyio.run(engine.statistics)
    assert ledger.usage.generated_tokens == statistics.generated_tokens
    assert ledger.usage.prompt_tokens == statistics.prompt_tokens
    (entry,) = ledger.entries
    assert len(entry.text) == len(entry.token_ids) == entry.usage.generated_tokens
    assert entry.usage.lower_bound == (seconds < 100)


def test_read_whole_nothing_but_its_place_is_left_of_a_cut_call() -> None:
    ledger, _ = cut(lambda ledger: ledger, 50)
    assert [(entry.text, entry.usage) for entry in ledger.entries] == [
        ("", Usage(lower_bound=True))
    ]
