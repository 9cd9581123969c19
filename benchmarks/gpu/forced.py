"""A real engine that says what a script wants: as many tokens as asked for are computed, whatever they are.

What tags a model writes, and when, decides how a method runs. So that speed can be measured without that, the engine
generates a number of tokens freely, with its own kernels, batches and cache, and where the script wants a certain text
the caller reads that text instead. What was generated and what was read then differ in the KV cache: the text is
computed once more with the next prompt that holds it, as a few hundred tokens of prefill at most.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Sampling,
    UsageError,
)

from .errors import require

# What ids are decoded to that end within a character.
_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Say:
    """Exactly this text, at the pace at which the engine generates as many tokens."""

    text: str

    def __post_init__(self) -> None:
        """Refuses to say nothing."""
        if not self.text:
            raise UsageError("a script that says nothing: an engine generates at least 1 token")


@dataclass(frozen=True, slots=True)
class Write:
    """So many tokens of the model's own, and at the end a text, such as a closing tag, that costs nothing."""

    tokens: int
    closing: str = ""

    def __post_init__(self) -> None:
        """Refuses to write nothing."""
        if self.tokens < 1:
            raise UsageError(f"a script that writes {self.tokens} tokens: at least 1 is needed")


Script = Callable[[Context, Sampling], Say | Write]
"""What a call is to be answered with; it may tell calls apart by the context's path, its text, or the sampling."""


class ForcedEngine(EngineWrapper):
    """Answers every call as the script wants, and stops for nothing else: not for the limit of the call either.

    Its calls cost what the engine inside counts: a closing text is no token of it. Logprobs are those of no script, and
    left out.

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
        """The engine's stream, with the script's words.

        Raises:
            Mismeasured: The engine generated fewer tokens than it was asked for, such as at the end of its window.
        """
        wanted = self._script(context, sampling)
        if isinstance(wanted, Say):
            ids = await self._ids(wanted.text, context)
            async with (
                self._free(context, sampling, delivery, len(ids)) as chunks,
                aclosing(self._replaced(_whole(chunks, len(ids)), ids)) as said,
            ):
                yield said
        else:
            closing = await self._ids(wanted.closing, context) if wanted.closing else ()
            async with (
                self._free(context, sampling, delivery, wanted.tokens) as chunks,
                aclosing(_closed(_whole(chunks, wanted.tokens), wanted.closing, closing)) as said,
            ):
                yield said

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
        self, chunks: AsyncGenerator[Chunk, None], ids: tuple[int, ...]
    ) -> AsyncGenerator[Chunk, None]:
        """The script's tokens as the engine's come. A character of several tokens is told with its last one."""
        told, text = 0, ""
        async with aclosing(chunks):
            async for chunk in chunks:
                last = chunk.finish_reason is not None
                ends = told + len(chunk.token_ids)
                whole = await self.inner.decode(ids[:ends])
                new = "" if whole.endswith(_BROKEN) and not last else whole[len(text) :]
                yield replace(
                    chunk,
                    text=new,
                    token_ids=ids[told:ends],
                    finish_reason="stop" if last else None,
                    logprobs=(),
                )
                told, text = ends, text + new


async def _closed(
    chunks: AsyncGenerator[Chunk, None], closing: str, ids: tuple[int, ...]
) -> AsyncGenerator[Chunk, None]:
    """What the engine's model writes, and the closing after it."""
    async with aclosing(chunks):
        async for chunk in chunks:
            if chunk.finish_reason is not None:
                chunk = replace(
                    chunk,
                    text=chunk.text + closing,
                    token_ids=chunk.token_ids + ids,
                    finish_reason="stop",
                )
            yield replace(chunk, logprobs=())


async def _whole(chunks: AsyncIterator[Chunk], tokens: int) -> AsyncGenerator[Chunk, None]:
    """The chunks of one call, which has to come to so many tokens."""
    generated = 0
    async for chunk in chunks:
        generated += len(chunk.token_ids)
        if chunk.finish_reason is not None:
            require(
                generated == chunk.usage.generated_tokens == tokens,
                f"{chunk.usage.generated_tokens} tokens were generated and {generated} of them told, where {tokens} "
                f"were to be",
            )
        yield chunk
