"""A fake engine whose tokenizer has a token for each of some marks, and whose ids show what ended a call, as vLLM's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    EngineWrapper,
    FakeEngine,
    Role,
    Sampling,
    Segment,
)

END_OF_TURN = 0xE000
_FIRST_MARK = 0xE001


class TaggedEngine(EngineWrapper):
    """Writes each mark as one character of its own.

    Args:
        replies: In the order of the calls, with marks as texts.
        marks: What is one token.
        opens: What the chat template writes where the model's turn begins.
    """

    def __init__(self, replies: Sequence[str], marks: Sequence[str], opens: str = "") -> None:
        self._characters = {mark: chr(_FIRST_MARK + i) for i, mark in enumerate(marks)}
        self._opens = opens
        self.fake = FakeEngine([self._packed(reply) for reply in replies])
        super().__init__(self.fake)

    def id_of(self, mark: str) -> int:
        return ord(self._characters[mark])

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        stops = (*map(self._packed, sampling.stop), *map(chr, sampling.stop_token_ids))
        asked = sampling.model_copy(update={"stop": stops})
        async with (
            self.inner.stream(context, asked, delivery) as chunks,
            aclosing(self._shown(chunks, sampling)) as passing,
        ):
            yield passing

    async def _shown(
        self, chunks: AsyncIterator[Chunk], sampling: Sampling
    ) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            end: tuple[int, ...] = ()
            reason = chunk.stop_reason
            if chunk.finish_reason == "stop":
                end = (END_OF_TURN,) if reason is None else tuple(map(ord, str(reason)))
                if end[0] in sampling.stop_token_ids:
                    reason = end[0]
                elif reason is not None:
                    reason = self._unpacked(str(reason))
            text = self._unpacked(chunk.text)
            yield replace(chunk, text=text, token_ids=(*chunk.token_ids, *end), stop_reason=reason)

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        segment = await self.inner.encode(self._packed(text), role=role, after=after)
        assert segment.token_ids is not None
        opens = self._opens if role == "assistant" and not text else ""
        ids = (*segment.token_ids, *map(ord, self._packed(opens)))
        return Segment(role, text, ids)

    async def decode(self, token_ids: Sequence[int]) -> str:
        text = self._unpacked(await self.inner.decode(token_ids))
        return text.replace(chr(END_OF_TURN), "<|end|>")

    def _packed(self, text: str) -> str:
        for mark, character in self._characters.items():
            text = text.replace(mark, character)
        return text

    def _unpacked(self, text: str) -> str:
        for mark, character in self._characters.items():
            text = text.replace(character, mark)
        return text
