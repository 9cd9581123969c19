"""Keeps parts of what a model said by its own ids, and encodes only what no whole token covers.

decoded   a < b. </ Pa th > < Pa         ids of the model
kept      a < b. </Path>                 the ids until "th", and ">" encoded
"""

from __future__ import annotations

from collections.abc import Sequence

from engines import Context, Engine, Segment

from .span import Piece, Span
from .stop_tags import Said
from .token_ends import TokenEnds


async def stitched(engine: Engine, said: Said, pieces: Sequence[Piece], after: Context) -> Segment:
    """What the pieces of a text say, with the ids that it was said in.

    Args:
        engine: Encodes and decodes.
        said: What the spans among the pieces are of.
        pieces: Spans in their order, and texts in between.
        after: Where the text is put; its role speaks.
    """
    stitching = _Stitching(engine, said, after)
    for piece in pieces:
        if isinstance(piece, Span):
            await stitching.keep(piece)
        else:
            await stitching.write(piece)
    return Segment(after.segment.role, "".join(stitching.texts), tuple(stitching.ids))


class _Stitching:
    def __init__(self, engine: Engine, said: Said, after: Context) -> None:
        self._engine = engine
        self._said = said
        self._after = after
        self._ends = TokenEnds(engine, said.token_ids, said.decoded)
        # A model that repeats itself has the same tag taken out or closed thousands of times.
        self._encoded: dict[str, Sequence[int]] = {}
        self.texts: list[str] = []
        self.ids: list[int] = []

    async def write(self, text: str) -> None:
        """Adds a text of ours."""
        if text and text not in self._encoded:
            role = self._after.segment.role
            segment = await self._engine.encode(text, role=role, after=self._after)
            self._encoded[text] = segment.token_ids or ()
        if text:
            self.texts.append(text)
            self.ids.extend(self._encoded[text])

    async def keep(self, span: Span) -> None:
        """Adds a piece of what was said: the ids of the tokens that lie within it, and the rest encoded."""
        first, begin = await self._ends.at_or_after(span.start)
        last, end = await self._ends.at_or_before(span.end)
        if last <= first:
            await self.write(self._said.text[span.start : span.end])
            return
        await self.write(self._said.text[span.start : begin])
        self.texts.append(self._said.decoded[begin:end])
        self.ids.extend(self._said.token_ids[first:last])
        await self.write(self._said.text[end : span.end])
