"""Conversations that were had elsewhere, such as those of chat requests: their turns are a run's history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from engines import Context, FakeEngine, Role, Sampling
from orchestrator import Agent, RunUnreadable
from orchestrator.history import Exchange, History
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

Turns = tuple[tuple[Role, str], ...]

SYSTEM: tuple[Role, str] = ("system", "Be brief.")
FIRST: Turns = (SYSTEM, ("user", "What is 12 * 7?"), ("assistant", "It is 84."))
SECOND: Turns = (*FIRST, ("user", "And its root?"), ("assistant", "About 9.17."))


def history(turns: Turns) -> History:
    found = History.of_turns(turns, "fake")
    assert found is not None
    return found


@st.composite
def conversations(draw: st.DrawFn) -> Turns:
    """What a request may have before its question: no two turns in a row by one role, the last not the user's."""
    turns: list[tuple[Role, str]] = []
    roles: tuple[Role, ...] = ("system", "user", "assistant")
    for _ in range(draw(st.integers(1, 7))):
        role = draw(st.sampled_from([role for role in roles if not turns or role != turns[-1][0]]))
        turns.append((role, draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9))))
    return tuple(turns if turns[-1][0] != "user" else (*turns, ("assistant", "so")))


def test_where_nothing_was_said_there_is_no_history() -> None:
    assert History.of_turns((), "fake") is None


@pytest.mark.parametrize("text_only", [False, True])
async def test_a_question_is_asked_after_the_turns(text_only: bool) -> None:
    engine = FakeEngine("So \\boxed{84}.", text_only=text_only)
    result = await Agent(engine, planner="single").run("Sure?", history=history(SECOND))
    turns = engine.calls[0].context.turns
    assert tuple((turn.role, turn.text) for turn in turns[:5]) == SECOND
    assert turns[5].text.startswith("Sure?")
    # As if nothing had been before: paths decide seeds and keys.
    assert engine.calls[0].context.path == "root/1"
    assert result.history.turns[0].text == "Be brief."
    assert result.history.exchanges == (
        Exchange(question="What is 12 * 7?", answer="It is 84."),
        Exchange(question="And its root?", answer="About 9.17."),
        Exchange(question="Sure?", answer="84"),
    )


async def test_one_request_finds_the_one_before_in_the_cache() -> None:
    engine = FakeEngine("It is 84.")
    agent = Agent(engine, planner="single")
    first: Turns = (("system", "Be brief. " * 30), *FIRST[1:])
    await agent.run("And its root?", history=history(first))
    second: Turns = (*first, ("user", "And its root?"), ("assistant", "It is 84."))
    result = await agent.run("Sure?", history=history(second))
    before = await history(first).context(engine)
    cached = result.usage.cached_tokens
    assert cached is not None
    assert cached >= len(before.token_ids) // 16 * 16 > 200


@drawn(conversations())
def test_the_same_turns_give_the_same_context_stitched_turn_by_turn(turns: Turns) -> None:
    async def contexts() -> list[Context]:
        made = history(turns)
        kept = History.from_data(made.to_data())
        assert kept == made
        return [await one.context(FakeEngine()) for one in (made, history(turns), kept)]

    one, two, three = run_virtually(contexts)
    assert one.digest == two.digest == three.digest
    assert tuple((turn.role, turn.text) for turn in one.turns) == turns
    assert one.has_token_ids

    # The beginning of a conversation is a prefix of all of it.
    async def begun() -> Context:
        return await history(turns[:1]).context(FakeEngine())

    start = run_virtually(begun).token_ids
    assert one.token_ids[: len(start)] == start


@drawn(conversations())
def test_every_answer_is_an_exchange(turns: Turns) -> None:
    made = history(turns)
    answers = [text for role, text in turns if role == "assistant"]
    assert [exchange.answer for exchange in made.exchanges] == answers
    asked = {text for role, text in turns if role == "user"}
    assert {exchange.question for exchange in made.exchanges} <= {*asked, ""}


def test_planners_are_told_what_the_system_says() -> None:
    assert history(FIRST).before("And its root?") == (
        "And its root?\n\nIt was asked after this conversation:\nQuestion: What is 12 * 7?\nAnswer: It is 84."
        "\n\nWhoever answers it was told:\nBe brief."
    )
    only = history((SYSTEM,)).before("Why?")
    assert only == "Why?\n\nWhoever answers it was told:\nBe brief."
    later = history((*FIRST, ("system", "In French.")))
    assert later.system == "Be brief.\n\nIn French."


@pytest.mark.parametrize("turns", [(SYSTEM,), FIRST, SECOND, (("assistant", "Hello!"),)])
async def test_a_run_after_turns_is_resumed_with_them(tmp_path: Path, turns: Any) -> None:
    with anyio.CancelScope() as scope:

        async def stop(context: Context, sampling: Sampling) -> str:
            scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

        agent = Agent(FakeEngine(stop), planner="single", runs=tmp_path)
        await agent.run("Sure?", history=history(turns))
    (folder,) = tmp_path.iterdir()
    engine = FakeEngine("Yes, \\boxed{84}.")
    result = await Agent(engine, planner="single", runs=tmp_path).resume(folder)
    told = engine.calls[0].context.turns[: len(turns)]
    assert tuple((turn.role, turn.text) for turn in told) == turns
    assert len(result.history.exchanges) == len(history(turns).exchanges) + 1
    (folder / "history.json").unlink()
    with pytest.raises(RunUnreadable, match=r"history.json, cannot be read"):
        await Agent(engine, planner="single", runs=tmp_path).resume(folder)
