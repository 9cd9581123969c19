from __future__ import annotations

import pytest

from engines import Chunk, FakeEngine, Usage, converse
from planners.compiler.conversation import Conversation

pytestmark = pytest.mark.anyio


def chunk(text: str, *ids: int, generated: int = 0) -> Chunk:
    return Chunk(text=text, token_ids=ids, usage=Usage(generated_tokens=generated))


async def begun(*, text_only: bool = False) -> Conversation:
    engine = FakeEngine(text_only=text_only)
    prompt = await converse(engine, [("user", "?"), ("assistant", "")], name="plan")
    return Conversation(engine, prompt)


async def test_what_the_model_said_is_kept_with_its_own_ids() -> None:
    conversation = await begun()
    before = conversation.context.token_ids
    conversation.hear([chunk("1. ", 7, generated=1), chunk("add", 8, 9, generated=3)])
    assert conversation.context.token_ids == (*before, 7, 8, 9)
    assert conversation.context.turns[-1].text == "1. add"
    conversation.hear([])
    conversation.hear([chunk("!", 10, generated=2)])
    assert conversation.tokens == 5


async def test_a_part_has_the_model_s_ids_as_far_as_they_go_and_costs_all_of_it() -> None:
    conversation = await begun()
    before = conversation.context.token_ids
    said = [chunk("1.\n", 7, generated=1), chunk("2.\n3", 8, generated=2)]
    await conversation.hear_part(said, len("1.\n2.\n"))
    assert conversation.context.token_ids == (*before, 7, *map(ord, "2.\n"))
    assert conversation.context.turns[-1].text == "1.\n2.\n"
    assert conversation.tokens == 2


async def test_ids_whose_text_has_not_come_out_are_not_of_the_part_before() -> None:
    conversation = await begun()
    before = conversation.context.token_ids
    await conversation.hear_part([chunk("1.\n", 7), chunk("", 8)], len("1.\n"))
    assert conversation.context.token_ids == (*before, 7)


async def test_every_request_is_a_fork_of_its_own() -> None:
    conversation = await begun()
    conversation.hear([chunk("a", 7)])
    await conversation.ask("and?", "repair-1")
    assert conversation.context.path == "plan/repair-1"
    assert [turn.role for turn in conversation.context.turns] == ["user", "assistant"] * 2


async def test_without_ids_it_goes_on_as_text() -> None:
    conversation = await begun(text_only=True)
    conversation.hear([chunk("1. add\n")])
    await conversation.hear_part([chunk("2. x")], 0)
    assert not conversation.context.has_token_ids
    assert conversation.context.turns[-1].text == "1. add\n"
