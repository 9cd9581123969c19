"""Keeps parts of what a model said by its own ids, and encodes only what no whole token covers.

decoded   a < b. </ Pa th > < Pa         ids of the model
kept      a < b. </Path>                 the ids until "th", and ">" encoded
"""

from __future__ import annotations

from collections.abc import Sequence

from engines import Context, Engine, Segment

from .balance import Piece, Span
from .stop_tags import Said


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
        self._decoded = {0: "", len(said.token_ids): said.decoded}
        self.texts: list[str] = []
        self.ids: list[int] = []

    async def write(self, text: str) -> None:
        """Adds a text of ours."""
        if text:
            segment = await self._engine.encode(
                text, role=self._after.segment.role, after=self._after
            )
            self.texts.append(text)
            self.ids.extend(segment.token_ids or ())

    async def keep(self, span: Span) -> None:
        """Adds a piece of what was said: the ids of the tokens that lie within it, and the rest encoded."""
        first = await self._last_before(span.start)
        while await self._offset(first) < span.start and first < len(self._said.token_ids):
            first = await self._next(first)
        last = await self._last_before(span.end)
        if last <= first:
            await self.write(self._said.text[span.start : span.end])
            return
        begin, end = await self._offset(first), await self._offset(last)
        await self.write(self._said.text[span.start : begin])
        self.texts.append(self._said.decoded[begin:end])
        self.ids.extend(self._said.token_ids[first:last])
        await self.write(self._said.text[end : span.end])

    async def _last_before(self, offset: int) -> int:
        """How many of the ids make a beginning of the text that is not longer than `offset`; the most of them."""
        high = len(self._said.token_ids)
        if await self._offset(high) <= offset:
            return high
        # Cuts are close to the end mostly.
        low, step = max(high - 1, 0), 1
        while await self._offset(low) > offset:
            high, step = low, step * 2
            low = max(low - step, 0)
        while high - low > 1:
            middle = (low + high) // 2
            if await self._offset(middle) <= offset:
                low = middle
            else:
                high = middle
        while not await self._between_characters(low):
            low -= 1
        return low

    async def _next(self, count: int) -> int:
        """The next number of ids after this one that ends between two characters."""
        count += 1
        while not await self._between_characters(count):
            count += 1
        return count

    async def _between_characters(self, count: int) -> bool:
        # What ends within a character reads differently.
        return self._said.decoded.startswith(await self._beginning(count))

    async def _offset(self, count: int) -> int:
        return len(await self._beginning(count))

    async def _beginning(self, count: int) -> str:
        if count not in self._decoded:
            self._decoded[count] = await self._engine.decode(self._said.token_ids[:count])
        return self._decoded[count]
