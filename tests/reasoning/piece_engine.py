"""A fake engine whose tokens are pieces of bytes, as a real tokenizer's: a stop, or a cut, may lie within one.

As with vLLM, the ids of a call hold all of the token that a stop ended in and the mark of the model's own end, and its
text holds neither; the first token of what is decoded loses the space before it, as with SentencePiece.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    FakeCall,
    FakeEngine,
    Role,
    Sampling,
    Segment,
    Usage,
)

END = "<|end|>"
Pieces = Sequence[str | bytes]


class PieceEngine(FakeEngine):
    """Says replies piece by piece; what is encoded is one byte a token.

    Args:
        replies: In the order of the calls, the tokens of each. The model ends after the last.
    """

    def __init__(self, *replies: Pieces) -> None:
        super().__init__()
        self._replies = iter(replies)
        self._ids: dict[bytes, int] = {bytes([i]): i for i in range(256)}
        self._bytes = {i: piece for piece, i in self._ids.items()}

    def id_of(self, piece: str | bytes) -> int:
        data = piece.encode() if isinstance(piece, str) else piece
        if data not in self._ids:
            self._ids[data] = len(self._ids)
            self._bytes[self._ids[data]] = data
        return self._ids[data]

    def ids_of(self, pieces: Pieces) -> tuple[int, ...]:
        return tuple(map(self.id_of, pieces))

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.calls.append(FakeCall(context, sampling, delivery))

        async def chunks() -> AsyncIterator[Chunk]:
            yield self._said(context, sampling, next(self._replies))

        yield chunks()

    def _said(self, context: Context, sampling: Sampling, reply: Pieces) -> Chunk:
        said: list[int] = []
        text, stop, finish = "", None, "stop"
        for token in self._generated(reply):
            if len(said) == sampling.max_tokens:
                finish = "length"
                break
            said.append(token)
            if self._bytes[token] == END.encode():
                break
            text = self._text(said)
            met = [(text.find(stop), stop) for stop in sampling.stop if stop in text]
            if met:
                place, stop = min(met)
                text = text[:place]
                break
        usage = Usage(prompt_tokens=len(context.token_ids), generated_tokens=len(said))
        self._total += usage
        return Chunk(
            text=text,
            token_ids=tuple(said),
            usage=usage,
            finish_reason="length" if finish == "length" else "stop",
            stop_reason=stop,
        )

    def _generated(self, reply: Pieces) -> Iterator[int]:
        yield from self.ids_of(reply)
        yield self.id_of(END)

    def _text(self, ids: Sequence[int]) -> str:
        return b"".join(self._bytes[i] for i in ids).decode(errors="replace")

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        marks = "" if after is not None and after.segment.role == role else f"<|{role}|>"
        return Segment(role, text, tuple((marks + text).encode()))

    async def decode(self, token_ids: Sequence[int]) -> str:
        return self._text(token_ids).removeprefix(" ")
