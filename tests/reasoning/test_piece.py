"""What one call adds to a step: by the ids that were generated, up to the end of the step."""

from __future__ import annotations

import pytest

from engines import Context, FakeEngine, Sampling, Segment
from reasoning.collaborating.piece import BLANK_LINE, Piece, piece_of


def encoded(text: str) -> Segment:
    return Segment("assistant", text, tuple(map(ord, text)))


async def piece_after(before: str, reply: str, tokens: int = 100) -> Piece:
    """What a worker adds to what it has written, where the model would say this."""
    engine = FakeEngine(reply)
    opening = encoded("Ann: ")
    context = Context(Segment("user", "Why?", (1,)), name="root").extend(opening)
    sampling = Sampling(max_tokens=tokens, stop=(BLANK_LINE,))
    completion = await engine.generate(context.extend(encoded(before)), sampling)
    return await piece_of(completion, opening, encoded(before), ("\\boxed{", "}"), engine)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("before", "reply", "step", "ends"),
    [
        ("", "So it is.\n\nMore", "So it is.\n\n", True),
        ("So ", "it is:\n\nMore", "So it is:\n\n", False),
        ("So it is:\n\n", "1. One.\n\nMore", "So it is:\n\n1. One.\n\n", True),
        # A blank line that holds a space ends no call, and one may begin in the call before.
        ("So ", "it is.\n \nMore", "So it is.\n \n", True),
        ("So it is.\n", "\nMore.", "So it is.\n\n", True),
        ("So ", "it is", "So it is", True),
        ("So ", "\\[\\boxed{4}\\]\n\nMore", "So \\[\\boxed{4}\\]\n\n", True),
        ("So", "", "So", True),
    ],
)
async def test_a_call_adds_what_stands_before_the_end_of_the_step(
    before: str, reply: str, step: str, ends: bool
) -> None:
    piece = await piece_after(before, reply)
    assert piece.step == encoded(step)
    assert (piece.ends, piece.cut) == (ends, False)
    assert piece.spoken == bool(step[len(before) :].strip())


@pytest.mark.anyio
async def test_what_a_limit_cuts_ends_no_step() -> None:
    piece = await piece_after("So ", "it goes on", tokens=7)
    assert piece.step == encoded("So it goes")
    assert (piece.ends, piece.cut, piece.generated) == (False, True, 7)
