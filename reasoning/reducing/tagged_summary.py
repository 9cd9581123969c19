"""The summary that a model trained for it writes after its own threads, in one turn with them.

    turn ─> <think1> thread </think1> <think2> thread </think2> <summary> ─> answer

The first thread follows on what it followed on when it was thought, so that its KV cache is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from engines import Context, Engine, Segment

from ..answer import Answer
from ..parathinking.thought_tags import Tag, ThoughtTags
from .excerpts import Excerpt, excerpt_of, stitched
from .summarising import summarise
from .synthesis import NAME, Synthesise


@dataclass(frozen=True, kw_only=True)
class TaggedSummary:
    """Puts the candidates into the model's turn, each between its tags, and has it go on after `<summary>`.

    Attributes:
        tags: All tags.
        openings: What each candidate began with: its tag, and what was put into its mouth.
        closings: The tag at the end of each candidate.
        synthesis: How to sample, how much to read of each candidate, and in which order.
    """

    answers_in_one_call: ClassVar[bool] = True

    tags: ThoughtTags
    openings: Sequence[Segment]
    closings: Sequence[Tag]
    synthesis: Synthesise = Synthesise()

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Asks once, on a fork of the model's turn, which `context` ends in.

        Raises:
            ContextTooLong: The question does not fit.
        """
        excerpts = [await excerpt_of(candidate, engine) for candidate in candidates]

        async def lay_out(shown: Sequence[Excerpt]) -> Context:
            pieces = [*self._blocks(shown), _token(self.tags.summary)]
            return await stitched(engine, pieces, role="assistant", after=context, name=NAME)

        sampling = self.tags.stopping(self.synthesis.sampling)
        return await summarise(excerpts, lay_out, engine, sampling, self.synthesis.tail_tokens)

    def _blocks(self, shown: Sequence[Excerpt]) -> list[Excerpt]:
        blocks = [
            (Excerpt(text=opening.text, token_ids=opening.token_ids), excerpt, _token(closing))
            for opening, excerpt, closing in zip(self.openings, shown, self.closings, strict=True)
        ]
        if self.synthesis.order == "longest first":
            blocks.sort(key=lambda block: -block[1].length)
        return [piece for block in blocks for piece in block]


def _token(tag: Tag) -> Excerpt:
    return Excerpt(text=tag.text, token_ids=(tag.token_id,))
