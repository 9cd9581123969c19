"""Engines and checks for the tests of fork and join."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

from engines import (
    STREAMED,
    Chunk,
    Context,
    ContextTooLong,
    Delivery,
    FakeEngine,
    ForkjoinError,
    Role,
    Sampling,
    Segment,
    Usage,
    converse,
)
from reasoning import Answer
from reasoning.forking.dialect import Dialect
from reasoning.forking.tag_parser import TagParser

_FIRST_ID = 0x110000
END = "<|end|>"

Script = Callable[[Context, Sampling], str | ForkjoinError]


class VocabularyEngine(FakeEngine):
    """A fake whose tokens may be several characters, and that answers as vLLM does.

    The ids of a completion hold all tokens until the one that ended it, and the mark of the model's own end; its text
    holds neither special tokens nor the stop.
    """

    def __init__(
        self,
        script: Script,
        tokens: Sequence[str],
        special: Sequence[str] = (),
        window: int = 1_000_000,
    ) -> None:
        super().__init__(window=window)
        self._tell = script
        self._special = {END, *special}
        self._vocabulary = sorted({*tokens, *self._special}, key=lambda t: (-len(t), t))
        self.generated: list[tuple[int, ...]] = []
        self.samplings: list[Sampling] = []

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        prompt = context.token_ids
        window = self.capabilities.window or 0
        if len(prompt) >= window:
            raise ContextTooLong(len(prompt), window)
        self.samplings.append(sampling)
        reply = self._tell(context, sampling)
        if isinstance(reply, ForkjoinError):
            raise reply
        chunk = self._chunk(reply, sampling, len(prompt), window)
        self.generated.append(chunk.token_ids)
        self._total += chunk.usage

        async def alone() -> AsyncGenerator[Chunk]:
            yield chunk

        async with aclosing(alone()) as chunks:
            yield chunks

    def _chunk(self, reply: str, sampling: Sampling, prompt: int, window: int) -> Chunk:
        ids: list[int] = []
        finish, text = "length", ""
        reason: str | int | None = None
        for token in self.tokens(reply + END)[: min(sampling.max_tokens, window - prompt)]:
            ids.append(token)
            piece = self._piece(token)
            if token in sampling.stop_token_ids or piece == END:
                finish, reason = "stop", None if piece == END else token
                break
            text += "" if piece in self._special else piece
            met = [stop for stop in sampling.stop if stop in text]
            if met:
                finish, reason, text = "stop", met[0], text.partition(met[0])[0]
                break
        usage = Usage(prompt_tokens=prompt, generated_tokens=len(ids))
        return Chunk(
            text=text,
            token_ids=tuple(ids),
            usage=usage,
            finish_reason="stop" if finish == "stop" else "length",
            stop_reason=reason,
        )

    def tokens(self, text: str) -> list[int]:
        """The longest tokens that fit, from the left."""
        ids = []
        while text:
            found = next((t for t in self._vocabulary if text.startswith(t)), None)
            token = text[0] if found is None else found
            ids.append(ord(token) if found is None else _FIRST_ID + self._vocabulary.index(token))
            text = text[len(token) :]
        return ids

    def _piece(self, token: int) -> str:
        return chr(token) if token < _FIRST_ID else self._vocabulary[token - _FIRST_ID]

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        marks = "" if after is not None and after.segment.role == role else f"<|{role}|>"
        return Segment(role, text, tuple(self.tokens(marks + text)))

    async def decode(self, token_ids: Sequence[int]) -> str:
        return "".join(map(self._piece, token_ids))


async def question(engine: FakeEngine, text: str = "What is 2 + 2?") -> Context:
    return await converse(engine, [("user", text)], name="root")


def said(context: Context) -> str:
    """What the model has said so far in its turn."""
    last = context.turns[-1]
    return last.text if last.role == "assistant" else ""


def assert_balanced(text: str, dialect: Dialect) -> None:
    """Every element is closed, and stands where it belongs."""
    parents = {
        dialect.goals: dialect.parallel,
        dialect.outline: dialect.goals,
        dialect.thread: dialect.parallel,
        dialect.conclusion: dialect.parallel,
    }
    open_elements: list[str] = []
    parser = TagParser(dialect)
    for event in (*parser.feed(text), *parser.close()):
        if event.kind == "open":
            parent = parents.get(event.name)
            assert parent is None or open_elements[-1:] == [parent], (event, text)
            open_elements.append(event.name)
        elif event.kind == "close":
            assert open_elements[-1:] == [event.name], (event, text)
            open_elements.pop()
    assert not open_elements, text


async def assert_accounted(answer: Answer, engine: FakeEngine) -> None:
    """What the answer says it took is what the engine counted, and nothing is left running."""
    statistics = await engine.statistics()
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert answer.critical_path <= answer.usage.generated_tokens
    assert statistics.running == 0


async def assert_stitched(answer: Answer, engine: FakeEngine) -> None:
    """The ids say the text, and the context ends with them."""
    assert await engine.decode(answer.token_ids) == answer.text
    assert answer.context is not None
    assert answer.context.token_ids[len(answer.context.token_ids) - len(answer.token_ids) :] == (
        answer.token_ids
    )
