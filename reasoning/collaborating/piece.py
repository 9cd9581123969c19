r"""What a worker says in one call, as it stands on a board: by the model's own ids, up to the end of a step at most.

ids      ... | "even" | ".\n\n" |            the end of the step
ids      ... | "even" | ".\n\n" | "Then"     behind that nothing was asked for: it is left out
ids      ... | "cases" | ":\n\n" |           no end: the step goes on behind it, with another call
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Completion, Engine, Segment
from engines.hogwild.steps import end_of_step

from ..token_ids.span import Span
from ..token_ids.stitching import stitched
from ..token_ids.stop_tags import StopTags

BLANK_LINE = "\n\n"
"""The text that a call stops at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one call adds to a step.

    Attributes:
        step: What the worker has written of its step then, without what the step begins with.
        generated: Tokens that the model generated.
        spoken: Whether it said anything that can be seen.
        ends: Whether the step ends with it, since the model came to the end of a sentence and a paragraph, or to its
            own end.
        cut: Whether a limit ended it.
        limited_by: What of a budget (`tokens`, `seconds`) did; None where none did.
    """

    step: Segment
    generated: int
    spoken: bool
    ends: bool = False
    cut: bool = False
    limited_by: str | None = None


async def piece_of(
    completion: Completion,
    opening: Segment,
    before: Segment,
    answer: tuple[str, str],
    engine: Engine,
) -> Piece:
    """What a call said that stops at `BLANK_LINE`.

    Args:
        completion: The call.
        opening: What the step begins with.
        before: What the worker had written of it.
        answer: What stands before and after an answer.
        engine: Encodes and decodes.
    """
    tags = StopTags({BLANK_LINE: None})
    said = await tags.heard(engine, completion, (BLANK_LINE,))
    # A blank line may have begun in the call before, and may hold spaces.
    end = end_of_step(before.text + said.text, len(before.text), answer)
    length = len(said.text) if end is None else end - len(before.text)
    kept = await stitched(engine, said, [Span(0, length)], completion.context)
    ids = (*(before.token_ids or ()), *(kept.token_ids or ()))
    own_end = not completion.truncated and completion.stop_reason != BLANK_LINE
    return Piece(
        step=await written(ids, opening, engine),
        generated=completion.usage.generated_tokens,
        spoken=bool(said.text[:length].strip()),
        ends=end is not None or own_end,
        cut=completion.truncated,
        limited_by=completion.limited_by,
    )


async def written(ids: tuple[int, ...], opening: Segment, engine: Engine) -> Segment:
    """Ids that go on after the opening of a step, with their text.

    All of them are decoded anew, since a call may end within a character, and behind the opening, since some tokenizers
    take the space from the start of a text.
    """
    text = await engine.decode((*(opening.token_ids or ()), *ids))
    return Segment("assistant", text.removeprefix(opening.text), ids)
