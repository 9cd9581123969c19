from __future__ import annotations

import pytest

from engines import Completion, Segment, Usage, converse
from reasoning.model_turn import without_end
from tests.reasoning.tagged_engine import END_OF_TURN, TaggedEngine

pytestmark = pytest.mark.anyio

# Two tokens, of which the first begins before the tag and the second ends after it.
FIRST, SECOND = "4</th", "ink>\n"


@pytest.mark.parametrize(
    ("said", "text", "stop_reason", "kept"),
    [
        (f"so {FIRST}{SECOND}", "so 4", "</think>", "so 4"),
        ("so 4</think>", "so 4", "</think>", "so 4"),
        # An engine that keeps no ids of the stop text.
        ("so 4", "so 4", "</think>", "so 4"),
        ("so 4" + chr(END_OF_TURN), "so 4", None, "so 4"),
        ("so 4", "so 4", None, "so 4"),
        ("so 4" + chr(END_OF_TURN), "so 4", END_OF_TURN, "so 4"),
        ("", "", None, ""),
        (chr(END_OF_TURN), "", None, ""),
    ],
)
async def test_the_ids_of_what_ended_a_completion_are_taken_away(
    said: str, text: str, stop_reason: str | int | None, kept: str
) -> None:
    engine = TaggedEngine([], [FIRST, SECOND])
    opened = await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")
    ids = (await engine.encode(said, role="assistant", after=opened)).token_ids
    completion = Completion(
        context=opened.extend(Segment("assistant", text, ids)),
        text=text,
        finish_reason="stop",
        stop_reason=stop_reason,
        usage=Usage(),
    )
    context = await without_end(completion, engine)
    assert context.token_ids[len(opened.token_ids) :] == tuple(map(ord, kept))
    assert context.turns[-1].text == text
