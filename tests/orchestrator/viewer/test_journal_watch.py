from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engines import Chunk, Delivery, FakeEngine, Sampling, converse
from orchestrator import JournalError
from orchestrator.journal import Begin, JournaledEngine, JournaledTools, open_journal
from orchestrator.viewer import journal_watch
from orchestrator.viewer.journal_watch import JournalWatch, News
from orchestrator.viewer.kept_texts import KeptTexts
from orchestrator.viewer.picture.call_matching import KeptRow
from tests.backends import run_virtually

DURABLE = Delivery(durable=True, interval=1)


def news(watch: JournalWatch) -> News:
    found = watch.look()
    assert found is not None
    return found


def test_a_call_is_told_while_it_runs_and_again_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    watch, texts = JournalWatch(path), KeptTexts(path)
    assert watch.look() is None

    async def main() -> None:
        async with open_journal(path) as journal:
            engine = JournaledEngine(FakeEngine("0123456789", chunk_tokens=4), journal)
            context = (await converse(engine, [("user", "Count!")], name="root")).fork("a\udcffb")
            seen, begun = list[Chunk](), KeptRow(0, "", None, 0, "")
            async with engine.stream(context, Sampling(), DURABLE) as chunks:
                async for chunk in chunks:
                    seen.append(chunk)
                    if len(seen) == 1:
                        (row,) = news(watch).rows
                        assert (row.finish_reason, row.generated_tokens) == (None, 4)
                        assert (texts.get(f"c{row.id}") or {})["output"] == "0123"
                        begun = row
            (ended,) = news(watch).rows
            assert (ended.id, ended.path) == (begun.id, begun.path)
            assert (ended.finish_reason, ended.preview) == ("stop", "0123456789")
            assert news(watch) == News()

    run_virtually(main)


def test_what_was_generated_is_on_the_path_of_its_call(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    watch = JournalWatch(path)

    async def main() -> None:
        async with open_journal(path) as journal:
            engine = JournaledEngine(FakeEngine("so\n\n"), journal)
            context = await converse(engine, [("user", "Why?"), ("assistant", "")], name="root")
            for number in range(3):
                completion = await engine.generate(context.fork(f"step-{number}"), Sampling())
                # Looked at each time, so that the parent is of an earlier look.
                (row,) = news(watch).rows
                context = completion.context
                assert row.path == "/".join(["root", *(f"step-{i}" for i in range(number + 1))])

    run_virtually(main)


def test_decisions_come_once_and_timeouts_are_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    watch = JournalWatch(path)

    async def main() -> None:
        async with open_journal(path) as journal:

            async def choose() -> list[int]:
                await anyio.lowlevel.checkpoint()
                return [1]

            await journal.decide("root#join", choose)
            await journal.keep_timeout(b"12", "it took too long")
            assert news(watch).decisions == [("root#join", "[1]")]
            assert news(watch).decisions == []

    run_virtually(main)


def test_a_tool_that_ends_after_others_that_began_later_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    watch = JournalWatch(path)

    async def main() -> None:
        async with open_journal(path) as journal, anyio.create_task_group() as group:
            tools = JournaledTools(journal)

            async def call(node: str, seconds: float, repeatable: bool) -> None:
                async def work(begin: Begin) -> float:
                    await begin()
                    await anyio.sleep(seconds)
                    return seconds

                await tools.call(node, "wait", {}, work, repeatable=repeatable)

            # One after another, whichever order a scheduler has.
            for node, seconds, repeatable in (
                ("slow", 9, True),
                ("once", 5, False),
                ("fast", 1, True),
            ):
                group.start_soon(call, node, seconds, repeatable)
                await anyio.sleep(0.1)
            await anyio.sleep(2)
            assert {node for _, node in news(watch).tools} == {"fast", "once"}
            assert news(watch) == News()
            await anyio.sleep(5)
            assert [node for _, node in news(watch).tools] == ["once"]
            await anyio.sleep(5)
            assert [node for _, node in news(watch).tools] == ["slow"]
            assert news(watch) == News()

    run_virtually(main)


def test_what_a_look_could_not_read_is_read_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    watch = JournalWatch(path)

    async def main() -> None:
        async with open_journal(path) as journal:
            engine = JournaledEngine(FakeEngine("so"), journal)
            await engine.generate(await converse(engine, [("user", "Why?")]), Sampling())

    run_virtually(main)
    decisions = journal_watch._DECISIONS
    monkeypatch.setattr(journal_watch, "_DECISIONS", "SELECT a disk that fails")
    with pytest.raises(JournalError):
        watch.look()
    monkeypatch.setattr(journal_watch, "_DECISIONS", decisions)
    assert [row.preview for row in news(watch).rows] == ["so"]


def test_a_call_that_did_not_get_on_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    watch = JournalWatch(path)

    async def main() -> None:
        async with open_journal(path) as journal:
            engine = JournaledEngine(FakeEngine("0123456789", chunk_tokens=4), journal)
            context = await converse(engine, [("user", "Count!")])
            async with engine.stream(context, Sampling(), DURABLE) as chunks:
                async for _ in chunks:
                    break
                assert len(news(watch).rows) == 1
                assert news(watch) == News()

    run_virtually(main)
