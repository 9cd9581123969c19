"""A fake engine whose tokenizer has one token for each of some tags, as that of a model trained to write them.

Its ids show what ended a call and its text does not, as with vLLM.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    EngineWrapper,
    FakeEngine,
    ForkjoinError,
    Role,
    Sampling,
    Segment,
)

END_OF_TURN = 0xE000
_FIRST_TAG = 0xE001


class TrainedEngine(EngineWrapper):
    """Writes each tag as one character of its own.

    Args:
        script: Its replies, tags as texts.
        tags: What is one token.
        opens: What the chat template writes where the model's turn begins.
        options: Of the fake engine.
    """

    def __init__(
        self,
        script: Callable[[Context], str | ForkjoinError],
        tags: Sequence[str] = (),
        opens: str = "",
        **options: int,
    ) -> None:
        self._characters = {tag: chr(_FIRST_TAG + i) for i, tag in enumerate(tags)}
        self._opens = opens

        def packed(context: Context, sampling: Sampling) -> str | ForkjoinError:
            reply = script(context)
            return reply if isinstance(reply, ForkjoinError) else self._packed(reply)

        self.fake = FakeEngine(packed, **options)  # type: ignore[arg-type]  # none is a truth value
        super().__init__(self.fake)

    def id_of(self, tag: str) -> int:
        return ord(self._characters[tag])

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        # The fake knows stop texts only.
        stops = (*sampling.stop, *map(chr, sampling.stop_token_ids))
        asked = sampling.model_copy(update={"stop": stops})
        async with (
            self.inner.stream(context, asked, delivery) as chunks,
            aclosing(_with_ends(chunks)) as passing,
        ):
            yield passing

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        opening = self._opens if role == "assistant" and not text else ""
        packed = self._packed(text + opening)
        return replace(await self.inner.encode(packed, role=role, after=after), text=text)

    async def decode(self, token_ids: Sequence[int]) -> str:
        text = await self.inner.decode(token_ids)
        for tag, character in self._characters.items():
            text = text.replace(character, tag)
        return text

    def _packed(self, text: str) -> str:
        for tag, character in self._characters.items():
            text = text.replace(tag, character)
        return text


async def _with_ends(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
    async for chunk in chunks:
        end: tuple[int, ...] = ()
        if chunk.finish_reason == "stop":
            stop = chunk.stop_reason
            end = (END_OF_TURN,) if stop is None else tuple(map(ord, str(stop)))
        yield replace(chunk, token_ids=(*chunk.token_ids, *end))
