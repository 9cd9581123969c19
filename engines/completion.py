"""What an engine gives back: chunks while it generates, a completion at the end, and what both cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .context import Context, Segment
from .errors import EngineError
from .logprobs import TokenLogprobs

FinishReason = Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens that calls cost. Usages add up.

    Attributes:
        prompt_tokens: Tokens of the contexts sent, cached ones included.
        cached_tokens: Of these, the ones that the engine took from its prefix cache; None where it does not say.
        generated_tokens: Tokens sampled.
        lower_bound: Whether a call was cut, so that the engine may have done more than was received.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_tokens: int = 0
    cached_tokens: int | None = 0
    generated_tokens: int = 0
    lower_bound: bool = False

    def __add__(self, other: Usage) -> Usage:
        """The cost of both; what one of them does not know, the sum does not know."""
        cached = (
            None
            if self.cached_tokens is None or other.cached_tokens is None
            else self.cached_tokens + other.cached_tokens
        )
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=cached,
            generated_tokens=self.generated_tokens + other.generated_tokens,
            lower_bound=self.lower_bound or other.lower_bound,
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a completion that one of several workers wrote.

    Attributes:
        worker: Its number, from 0; None for the closing, which is nobody's.
        tokens: How many of the ids it has.
        generated: How many of these were sampled; the others were put in, such as a header.
    """

    worker: int | None
    tokens: int
    generated: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What one of several workers has just written, while it is in no passage yet.

    Attributes:
        worker: Its number, from 0.
        text: New text, also what was put in for it.
        token_ids: New ids.
    """

    worker: int
    text: str
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What has been generated since the chunk before.

    Attributes:
        text: New text.
        token_ids: New ids; empty on a text-only engine.
        usage: The cost of the call so far.
        finish_reason: On the last chunk `stop` (the model or a stop ended it) or `length`.
        stop_reason: The stop text or id that was met; None for the model's own end.
        limited_by: What of a budget (`tokens`, `seconds`) cut the call; None where its own limit or the model did.
        replayed: Whether a journal answered: this run's engine has done nothing for it.
        logprobs: How likely each new token was, where that was asked for and the engine tells it: one for each of the
            ids, where there are ids, also for those of a stop text that is cut from the text.
        passages: Who wrote the ids, where several workers do: one piece after another, all of them together.
        drafts: What these are writing now; it comes again, as a passage, when it is finished. No journal keeps it.
    """

    text: str
    token_ids: tuple[int, ...]
    usage: Usage
    finish_reason: FinishReason | None = None
    stop_reason: str | int | None = None
    limited_by: str | None = None
    replayed: bool = False
    logprobs: tuple[TokenLogprobs, ...] = ()
    passages: tuple[Passage, ...] = ()
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A finished generation.

    Attributes:
        context: The input context extended by what was generated.
        text: The text generated, without the stop text that ended it.
        finish_reason: `stop`, or `length` when the limit cut it.
        stop_reason: The stop text or id that was met; None for the model's own end.
        usage: What the call cost.
        limited_by: What of a budget (`tokens`, `seconds`) cut the call; None where its own limit or the model did.
        logprobs: How likely each token was, where that was asked for; empty on engines that do not tell it.
        passages: Who wrote the ids, where several workers did; empty otherwise.
    """

    context: Context
    text: str
    finish_reason: FinishReason
    stop_reason: str | int | None
    usage: Usage
    limited_by: str | None = None
    logprobs: tuple[TokenLogprobs, ...] = ()
    passages: tuple[Passage, ...] = ()

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The ids generated, those of a stop text included; empty on a text-only engine."""
        return self.context.segment.token_ids or ()

    @property
    def truncated(self) -> bool:
        """Whether a limit cut the generation."""
        return self.finish_reason == "length"


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one call that follow each other as one: the last one with what all of them say, and without drafts."""
    last = chunks[-1]
    if len(chunks) == 1:
        return replace(last, drafts=()) if last.drafts else last
    return replace(
        last,
        text="".join(chunk.text for chunk in chunks),
        token_ids=tuple(chain.from_iterable(chunk.token_ids for chunk in chunks)),
        logprobs=tuple(chain.from_iterable(chunk.logprobs for chunk in chunks)),
        passages=tuple(chain.from_iterable(chunk.passages for chunk in chunks)),
        drafts=(),
    )


async def merged(chunks: AsyncIterator[Chunk]) -> Chunk:
    """All chunks of one call as one.

    Raises:
        EngineError: The stream ended without a finish reason.
    """
    received = [chunk async for chunk in chunks]
    if not received or received[-1].finish_reason is None:
        raise EngineError("the engine ended a stream without saying why: look at its log")
    return joined(received)


async def as_whole(chunks: AsyncGenerator[Chunk]) -> AsyncGenerator[Chunk]:
    """The chunks of one call as one chunk at its end."""
    async with aclosing(chunks):
        yield await merged(chunks)


async def alone(chunk: Chunk) -> AsyncGenerator[Chunk]:
    """A stream of one chunk."""
    yield chunk


async def collect(context: Context, chunks: AsyncIterator[Chunk]) -> Completion:
    """Puts the chunks of one call together.

    Raises:
        EngineError: The stream ended without a finish reason.
    """
    whole = await merged(chunks)
    segment = Segment("assistant", whole.text, whole.token_ids if context.has_token_ids else None)
    return Completion(
        context=context.extend(segment),
        text=whole.text,
        finish_reason=whole.finish_reason or "stop",
        stop_reason=whole.stop_reason,
        usage=whole.usage,
        limited_by=whole.limited_by,
        logprobs=whole.logprobs,
        passages=whole.passages,
    )
