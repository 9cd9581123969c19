"""A real engine that says what a script wants: as many tokens as asked for are computed, whatever they are.

What tags a model writes, and when, decides how a method runs. So that speed can be measured without that, the engine
generates a number of tokens freely, with its own kernels, batches and cache, and where the script wants a certain text
the caller reads that text instead. What was generated and what was read then differ in the KV cache: the text is
computed once more with the next prompt that holds it, as a few hundred tokens of prefill at most.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineWrapper, Sampling


@dataclass(frozen=True, slots=True)
class Say:
    """Exactly this text, at the pace at which the engine generates as many tokens."""

    text: str


@dataclass(frozen=True, slots=True)
class Write:
    """So many tokens of the model's own, and at the end a text, such as a closing tag, that costs nothing."""

    tokens: int
    closing: str = ""


Script = Callable[[Context, Sampling], Say | Write]
"""What a call is to be answered with; it may tell calls apart by the context's path, its text, or the sampling."""


class ForcedEngine(EngineWrapper):
    """Answers every call as the script wants, and stops for nothing else.

    Args:
        inner: Generates.
        script: What to say.
    """

    def __init__(self, inner: Engine, script: Script) -> None:
        super().__init__(inner)
        self._script = script

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The engine's stream, with the script's words."""
        wanted = self._script(context, sampling)
        if isinstance(wanted, Say):
            ids = await self._ids(wanted.text, context)
            async with self._free(context, sampling, delivery, len(ids)) as chunks:
                yield self._replaced(chunks, ids)
        else:
            closing = await self._ids(wanted.closing, context) if wanted.closing else ()
            async with self._free(context, sampling, delivery, wanted.tokens) as chunks:
                yield _closed(chunks, wanted.closing, closing)

    def _free(
        self, context: Context, sampling: Sampling, delivery: Delivery, tokens: int
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Exactly so many tokens."""
        freely = {
            "max_tokens": tokens,
            "ignore_eos": True,
            "stop": (),
            "stop_token_ids": (),
            "constraint": None,
        }
        return self.inner.stream(context, sampling.model_copy(update=freely), delivery)

    async def _ids(self, text: str, context: Context) -> tuple[int, ...]:
        return (await self.inner.encode(text, role="assistant", after=context)).token_ids or ()

    async def _replaced(
        self, chunks: AsyncIterator[Chunk], ids: tuple[int, ...]
    ) -> AsyncGenerator[Chunk, None]:
        """The script's tokens as the engine's come. A character of several tokens is told with its last one."""
        told, text = 0, ""
        async for chunk in chunks:
            ends = min(len(ids), told + len(chunk.token_ids))
            last = chunk.finish_reason is not None
            whole = await self.inner.decode(ids[: len(ids) if last else ends])
            new = "" if whole.endswith("�") and not last else whole[len(text) :]
            yield replace(
                chunk,
                text=new,
                token_ids=ids[told : len(ids) if last else ends],
                finish_reason="stop" if last else None,
                logprobs=(),
            )
            told, text = ends, text + new


async def _closed(
    chunks: AsyncIterator[Chunk], closing: str, ids: tuple[int, ...]
) -> AsyncGenerator[Chunk, None]:
    async for chunk in chunks:
        if chunk.finish_reason is not None:
            chunk = replace(
                chunk,
                text=chunk.text + closing,
                token_ids=chunk.token_ids + ids,
                finish_reason="stop",
                logprobs=(),
            )
        yield chunk
