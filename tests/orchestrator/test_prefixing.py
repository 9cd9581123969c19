"""Calls beneath a name: the same to the engine, told apart by the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import Delivery, FakeEngine, Sampling
from orchestrator.journal import JournaledEngine, RepeatedName, open_journal
from orchestrator.prefixing import PrefixedEngine, beneath
from tests import backends
from tests.orchestrator.journals import question, reply

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("text_only", [False, True])
async def test_the_engine_is_sent_the_same_under_another_path(text_only: bool) -> None:
    inner = FakeEngine("so", text_only=text_only)
    engine = PrefixedEngine(inner, "7")
    context = await question(engine)
    completion = await engine.generate(context, Sampling())
    (call,) = inner.calls
    assert call.context.path == "7/root"
    assert call.context.turns == context.turns
    if not text_only:
        assert call.context.token_ids == context.token_ids
    # Whoever calls goes on with what it knows.
    assert completion.context.path == "root"
    assert completion.context.parent is context


async def test_a_journal_tells_them_apart_and_knows_each_again(tmp_path: Path) -> None:
    seen: list[int] = []

    async def chosen() -> int:
        return len(seen)

    async with open_journal(tmp_path / "journal.sqlite") as journal:
        plain = JournaledEngine(FakeEngine(reply), journal)
        context = await question(plain)
        one = [PrefixedEngine(plain, name) for name in "12"]
        texts = []
        for engine in one:
            texts.append((await engine.generate(context, Sampling())).text)
            seen.append(await engine.decide("first", chosen))
        with pytest.raises(RepeatedName, match="'1/root'"):
            await one[0].generate(context, Sampling())
    assert texts[0] != texts[1]
    assert seen == [0, 1]
    async with open_journal(tmp_path / "journal.sqlite") as journal:
        silent = PrefixedEngine(JournaledEngine(FakeEngine([]), journal), "2")
        assert (await silent.generate(context, Sampling())).text == texts[1]
        assert await silent.decide("first", chosen) == 1


async def test_what_is_unfinished_is_found_beneath_the_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    async with open_journal(path) as journal:
        engine = PrefixedEngine(JournaledEngine(FakeEngine(reply, chunk_tokens=3), journal), "1")
        context = await question(engine)
        async with engine.stream(context, Sampling(), Delivery(durable=True)) as chunks:
            first = await anext(chunks)
    async with open_journal(path) as journal:
        plain = JournaledEngine(FakeEngine([]), journal)
        (kept,) = await PrefixedEngine(plain, "1").unfinished(context, Sampling())
        assert kept.text == first.text
        assert not await plain.unfinished(context, Sampling())
        assert not await PrefixedEngine(plain, "2").unfinished(context, Sampling())


async def test_names_add_up_from_the_outside_in() -> None:
    context = await question(FakeEngine())
    assert beneath("1", beneath("2", context)).path == "1/2/root"
