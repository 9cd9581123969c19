"""An engine without a model, for tests and dry examples: scripted replies, latency, failures, a prefix cache.

A token is a character, so every text has exactly one encoding. Time passes through `anyio.sleep` only, so that a
virtual clock makes hours free. The contract tests hold it to what real engines do.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import anyio

from .completion import Chunk, FinishReason, Usage, as_whole
from .context import Context, Role, Segment
from .delivery import STREAMED, Delivery
from .engine import Capabilities, Engine, EngineStatistics, require_capabilities
from .errors import (
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    ForkjoinError,
    RequestRejected,
)
from .fake_workers import ScriptedSession, ScriptedWorkers
from .hogwild.admission import check_ends
from .hogwild.rounds import advance
from .logprobs import Logprob, TokenLogprobs
from .prefix_cache import PrefixCache
from .sampling import Choice, Constraint, JsonSchema, Regex, Sampling


@dataclass(frozen=True, slots=True)
class Scripted:
    """A reply that says how likely its tokens were.

    Attributes:
        text: The reply.
        logprobs: One for each of its characters, given out to calls that ask for them, and no more of each `top` than
            they ask for. Without any, every character was certain.
    """

    text: str
    logprobs: Sequence[TokenLogprobs] = ()

    def __post_init__(self) -> None:
        if self.logprobs and len(self.logprobs) != len(self.text):
            raise ValueError(
                f"{len(self.logprobs)} logprobs for {self.text!r}: a script needs one for each character, or none"
            )


_Text = str | Scripted | ScriptedWorkers
Reply = _Text | ForkjoinError
Script = _Text | Sequence[Reply] | Callable[[Context, Sampling], Reply | Awaitable[Reply]]


_EVERY_CONSTRAINT = frozenset({"choice", "regex", "json", "grammar"})


@dataclass(frozen=True, slots=True)
class FakeCall:
    """A call that the engine received."""

    context: Context
    sampling: Sampling
    delivery: Delivery = STREAMED


class FakeEngine(Engine):
    """Replies from a script.

    Args:
        script: One text for every call, texts and errors in the order of the calls, or a (possibly async) function
            of context and sampling. An error is raised instead of a reply, and `RequestRejected` where the texts have
            run out; `Scripted` is a text with its logprobs.
            In a collaboration every worker writes the text, over and over; `ScriptedWorkers` has one for each.
        latency: Seconds until the first token.
        seconds_per_token: Seconds for each token (character), or for one of each worker, which come side by side.
        chunk_tokens: Tokens in a chunk, or rounds of workers.
        window: The longest sequence in tokens.
        block_size: Tokens in a block of the prefix cache.
        text_only: Behave like a server that takes chat messages, knows no token ids and keeps no constraints.

    Attributes:
        calls: The calls received, in order.
        aborted: How many calls were cancelled or left before they ended; those that failed are none.

    >>> import anyio
    >>> async def main():
    ...     engine = FakeEngine("4")
    ...     context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    ...     return (await engine.generate(context, Sampling())).text
    >>> from engines import converse
    >>> anyio.run(main)
    '4'
    """

    def __init__(
        self,
        script: Script = "ok",
        *,
        latency: float = 0,
        seconds_per_token: float = 0,
        chunk_tokens: int = 16,
        window: int = 1_000_000,
        block_size: int = 16,
        text_only: bool = False,
    ) -> None:
        self.calls: list[FakeCall] = []
        self.aborted = 0
        self._script = script
        self._latency = latency
        self._seconds_per_token = seconds_per_token
        self._chunk_tokens = chunk_tokens
        self._capabilities = Capabilities(
            token_ids=not text_only,
            constraints=frozenset() if text_only else _EVERY_CONSTRAINT,
            window=window,
            block_size=block_size,
            collaboration=not text_only,
        )
        self._cache = PrefixCache(block_size or 1)
        self._running = 0
        self._total = Usage()
        self._closed = False

    @property
    def model(self) -> str:
        """The name `fake`."""
        return "fake"

    @property
    def capabilities(self) -> Capabilities:
        """What the fake was told to be able to do."""
        return self._capabilities

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Sends the scripted reply chunk by chunk, or whole."""
        self._check_open()
        require_capabilities(self, sampling)
        if sampling.collaboration is not None:
            check_ends(sampling)
        prompt = self._prompt(context)
        window = self._capabilities.window or 0
        if len(prompt) >= window:
            raise ContextTooLong(len(prompt), window)
        self.calls.append(FakeCall(context, sampling, delivery))
        self._running += 1
        progress = _Progress()
        try:
            with progress.failing():
                reply = await self._reply(len(self.calls) - 1, context, sampling)
            if sampling.collaboration is None:
                chunks = self._by_one(reply, prompt, sampling, progress)
            else:
                text = reply.text if isinstance(reply, Scripted) else reply
                session = ScriptedSession(text, prompt, sampling, window)
                chunks = self._by_workers(session, progress)
            async with aclosing(as_whole(chunks) if delivery.whole else chunks) as passing:
                yield passing
        finally:
            self._running -= 1
            self._total += progress.usage
            self.aborted += not (progress.finished or progress.failed)
            # The last token sampled has no KV yet.
            self._cache.add((*prompt, *map(ord, progress.text))[:-1])

    def _by_one(
        self,
        reply: Scripted | ScriptedWorkers,
        prompt: Sequence[int],
        sampling: Sampling,
        progress: _Progress,
    ) -> AsyncGenerator[Chunk, None]:
        if isinstance(reply, ScriptedWorkers):
            raise AssertionError(f"the script has {reply!r}, and this call has no collaboration")
        usage = Usage(prompt_tokens=len(prompt), cached_tokens=self._cache.add(prompt))
        room = min(sampling.max_tokens, (self._capabilities.window or 0) - len(prompt))
        cut = _cut(reply.text, sampling.stop, room)
        return self._chunks(cut, self._logprobs(reply, sampling), usage, progress)

    async def _chunks(
        self, cut: _Cut, logprobs: Sequence[TokenLogprobs], usage: Usage, progress: _Progress
    ) -> AsyncGenerator[Chunk, None]:
        await anyio.sleep(self._latency)
        text = cut.text
        starts = range(0, max(len(text), 1), self._chunk_tokens)
        for start in starts:
            piece = text[start : start + self._chunk_tokens]
            await anyio.sleep(self._seconds_per_token * len(piece))
            with progress.failing():
                self._check_open()
            usage = usage.model_copy(
                update={"generated_tokens": usage.generated_tokens + len(piece)}
            )
            progress.usage = usage
            progress.text += piece
            progress.finished = start == starts[-1]
            yield Chunk(
                text=piece,
                token_ids=tuple(map(ord, piece)) if self._capabilities.token_ids else (),
                usage=usage,
                finish_reason=cut.finish_reason if progress.finished else None,
                stop_reason=cut.stop_reason if progress.finished else None,
                logprobs=tuple(logprobs[start : start + len(piece)]),
            )

    async def _by_workers(
        self, scripted: ScriptedSession, progress: _Progress
    ) -> AsyncGenerator[Chunk, None]:
        await anyio.sleep(self._latency)
        while not progress.finished:
            passes = scripted.passes
            chunk = advance(scripted.session, self._chunk_tokens)
            if chunk is None:
                continue
            await anyio.sleep(self._seconds_per_token * (scripted.passes - passes))
            with progress.failing():
                self._check_open()
            progress.usage = chunk.usage
            progress.finished = chunk.finish_reason is not None
            yield chunk

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """One id a character; `<|role|>` where the role changes."""
        if not self._capabilities.token_ids:
            return Segment(role, text)
        marks = "" if after is not None and after.segment.role == role else f"<|{role}|>"
        return Segment(role, text, tuple(map(ord, marks + text)))

    async def decode(self, token_ids: Sequence[int]) -> str:
        """The characters of the ids."""
        if not self._capabilities.token_ids:
            raise CapabilityMissing(f"{self.model} works on text only and cannot decode ids")
        return "".join(map(chr, token_ids))

    async def statistics(self) -> EngineStatistics:
        """Counts of the fake itself; its KV cache has no limit."""
        return EngineStatistics(
            running=self._running,
            waiting=0,
            kv_usage=0.0,
            prompt_tokens=self._total.prompt_tokens,
            generated_tokens=self._total.generated_tokens,
        )

    async def aclose(self) -> None:
        """Later calls fail, running ones at their next token."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")

    def _prompt(self, context: Context) -> tuple[int, ...]:
        if self._capabilities.token_ids:
            return context.token_ids
        if context.turns[-1].role == "assistant" and context.turns[-1].text:
            raise CapabilityMissing(
                f"{self.model} works on text only and cannot continue the model's own turn"
            )
        return tuple(ord(character) for turn in context.turns for character in turn.text)

    async def _reply(
        self, number: int, context: Context, sampling: Sampling
    ) -> Scripted | ScriptedWorkers:
        script = self._script
        if isinstance(script, _Text):
            reply: Reply | Awaitable[Reply] = script
        elif callable(script):
            reply = script(context, sampling)
        elif number < len(script):
            reply = script[number]
        else:
            raise RequestRejected(
                f"the script has {len(script)} {'reply' if len(script) == 1 else 'replies'}, and this is call "
                f"{number + 1}: give more, or a function"
            )
        if inspect.isawaitable(reply):
            reply = await reply
        if isinstance(reply, ForkjoinError):
            raise reply
        if isinstance(reply, str):
            reply = Scripted(reply)
        if isinstance(reply, Scripted) and sampling.constraint is not None:
            _check_constraint(reply.text, sampling.constraint)
        return reply

    def _logprobs(self, reply: Scripted, sampling: Sampling) -> Sequence[TokenLogprobs]:
        if sampling.logprobs is None:
            return ()
        places = reply.logprobs or [self._certain(character) for character in reply.text]
        return [replace(place, top=place.top[: sampling.logprobs]) for place in places]

    def _certain(self, character: str) -> TokenLogprobs:
        token = Logprob(character, 0.0, ord(character) if self._capabilities.token_ids else None)
        return TokenLogprobs(token, (token,))


@dataclass
class _Progress:
    text: str = ""
    usage: Usage = Usage()
    finished: bool = False
    failed: bool = False

    @contextmanager
    def failing(self) -> Iterator[None]:
        try:
            yield
        except ForkjoinError:
            self.failed = True
            raise


@dataclass(frozen=True)
class _Cut:
    text: str
    finish_reason: FinishReason
    stop_reason: str | None


def _cut(reply: str, stops: Sequence[str], room: int) -> _Cut:
    found = [(reply.find(stop), stop) for stop in stops if stop in reply]
    position, stop = min(found, default=(len(reply), None))
    if position > room:
        return _Cut(reply[:room], "length", None)
    return _Cut(reply[:position], "stop", stop)


def _check_constraint(reply: str, constraint: Constraint) -> None:
    """A script has to keep the constraint that a real engine would enforce; grammars are not checked."""
    fits = True
    if isinstance(constraint, Choice):
        fits = reply in constraint.options
    elif isinstance(constraint, Regex):
        fits = re.fullmatch(constraint.pattern, reply) is not None
    elif isinstance(constraint, JsonSchema):
        try:
            json.loads(reply)
        except ValueError:
            fits = False
    if not fits:
        raise AssertionError(f"the scripted reply {reply!r} breaks the constraint {constraint!r}")
