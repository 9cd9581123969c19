from __future__ import annotations

import pytest

from engines import Segment, converse
from reasoning import Answer
from reasoning.reducing.excerpts import excerpt_of
from tests.reasoning.tagged_engine import END_OF_TURN, TaggedEngine

# Two tokens, of which the first begins before the stop text and the second ends after it.
FIRST, SECOND = "4</th", "ink>\n"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("so 4", "so 4"),
        ("so 4" + chr(END_OF_TURN), "so 4"),
        (f"so {FIRST}{SECOND}", "so 4"),
        # Within the stop text the end of the text comes again.
        ("n\nQuestion", "n"),
        # A text hides special tokens, here the first.
        (f"{SECOND}so 4" + chr(END_OF_TURN), "so 4"),
        (chr(END_OF_TURN), ""),
    ],
)
async def test_an_excerpt_is_the_ids_of_the_text_without_those_of_what_ended_it(
    said: str, text: str
) -> None:
    engine = TaggedEngine([], [FIRST, SECOND])
    opened = await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")
    ids = (await engine.encode(said, role="assistant", after=opened)).token_ids or ()
    answer = Answer(
        text=text, token_ids=ids, context=opened.extend(Segment("assistant", text, ids))
    )
    excerpt = await excerpt_of(answer, engine)
    assert excerpt.text == text
    assert (await engine.decode(excerpt.token_ids or ())).removeprefix(SECOND) == text


@pytest.mark.anyio
async def test_what_is_not_in_the_ids_is_encoded_from_the_text() -> None:
    engine = TaggedEngine([], [])
    ids = tuple(map(ord, "so 4"))
    excerpt = await excerpt_of(Answer(text="so five", token_ids=ids), engine)
    assert (excerpt.text, excerpt.token_ids) == ("so five", None)
