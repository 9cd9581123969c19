"""An engine without a model that says what models have said: recorded samples of questions, given out again.

A vote, a reducer or a report can be developed with it on real generations, without a GPU and at once. The texts are
real, and the tokens are not: see `replay/byte_tokens.py`. Time passes through `anyio.sleep` only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from .completion import Chunk, Usage
from .context import Context, Role, Segment
from .delivery import STREAMED, Delivery
from .engine import Capabilities, Engine, EngineStatistics, require_capabilities
from .errors import ContextTooLong, EngineDead, RequestRejected
from .prefix_cache import PrefixCache
from .replay.byte_tokens import last_turn, mark_of, text_of, tokens_of
from .replay.picking import QuestionIndex, named_sample, pick
from .replay.recording import Recorded, Recording, read_recording
from .replay.reply import Reply, reply_of
from .sampling import Sampling

_BLOCK = 16
_MOST_SHOWN = 60


class ReplayEngine(Engine):
    """Answers questions with the samples that were recorded of them.

    Which question a call asks is found by its text, or else by a name in its path; which sample it gets, by the numbers
    in its path, without any state (`replay/picking.py`). Sample i of an evaluation is the i-th one recorded, and more
    than were recorded are refused, since a sample counted twice would pass for two. A vote on its own has them in their
    order too, but begins anew after the last; votes inside of an evaluation's samples draw with replacement. A turn
    that was begun goes on as a sample that begins so. Nothing is enforced and no logprobs are told; of what says how to
    sample, only limits, stops and a seed count.

    Args:
        recording: A file or the folder of an evaluation (`replay/recording.py`), or what was read of one.
        seconds_per_token: How long a token takes.
        chunk_tokens: Tokens in a chunk, where the call does not ask for more.
        window: The longest sequence in tokens.

    Raises:
        UsageError: There are no recorded samples.
    """

    def __init__(
        self,
        recording: str | Path | Recording,
        *,
        seconds_per_token: float = 0,
        chunk_tokens: int = 16,
        window: int = 1_000_000,
    ) -> None:
        if not isinstance(recording, Recording):
            recording = read_recording(Path(recording))
        self._recording = recording
        self._fingerprint = f"replay-{recording.digest}"
        self._index = QuestionIndex(recording.questions, recording.names)
        self._seconds_per_token = seconds_per_token
        self._chunk_tokens = chunk_tokens
        self._window = window
        self._cache = PrefixCache(_BLOCK)
        self._running = 0
        self._total = Usage()
        self._closed = False

    @property
    def model(self) -> str:
        """The recording's name."""
        return f"replay:{self._recording.name}"

    @property
    def capabilities(self) -> Capabilities:
        """Token ids; nothing is enforced."""
        return Capabilities(
            token_ids=True, constraints=frozenset(), window=self._window, block_size=_BLOCK
        )

    @property
    def fingerprint(self) -> str:
        """What the recording holds, whatever its name."""
        return self._fingerprint

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Gives out a recorded sample, chunk by chunk or whole.

        Raises:
            RequestRejected: The question was not recorded, or not so often, or no sample of it begins as the model's
                turn does.
        """
        self._check_open()
        require_capabilities(self, sampling)
        prompt = context.token_ids
        room = self._window - len(prompt)
        if room <= 0:
            raise ContextTooLong(len(prompt), self._window)
        reply = self._reply(context, sampling, room)
        given = _Given(Usage(prompt_tokens=len(prompt), cached_tokens=self._cache.add(prompt)))
        self._running += 1
        try:
            async with aclosing(self._chunks(reply, given, delivery)) as chunks:
                yield chunks
        finally:
            self._running -= 1
            self._total += given.usage
            # The last token sampled has no KV yet.
            self._cache.add((*prompt, *reply.token_ids[: given.usage.generated_tokens])[:-1])

    async def _chunks(
        self, reply: Reply, given: _Given, delivery: Delivery
    ) -> AsyncGenerator[Chunk, None]:
        size = max(self._chunk_tokens, delivery.interval)
        for part in reply.parts(max(size, len(reply.token_ids)) if delivery.whole else size):
            await anyio.sleep(self._seconds_per_token * len(part.token_ids))
            self._check_open()
            given.add(len(part.token_ids))
            yield Chunk(
                text=part.text,
                token_ids=part.token_ids,
                usage=given.usage,
                finish_reason=reply.finish_reason if part.is_last else None,
                stop_reason=reply.stop_reason if part.is_last else None,
            )

    def _reply(self, context: Context, sampling: Sampling, room: int) -> Reply:
        samples = self._samples(context)
        said = text_of(last_turn(context.token_ids)) if _is_answering(context) else ""
        sample = pick(samples, said, context.path, sampling.seed)
        if sample is None:
            raise RequestRejected(
                f"{self.model} cannot go on with {said[-_MOST_SHOWN:]!r}: none of {len(samples)} recorded samples "
                f"begins so; use a method that adds no words to the model's turn"
            )
        rest = sample.text[len(said) :]
        return reply_of(rest, sampling, min(sampling.max_tokens, room), cut=sample.cut)

    def _samples(self, context: Context) -> Sequence[Recorded]:
        turns = [turn.text for turn in context.turns if turn.role == "user"]
        question, number = self._index.find(turns, context.path), named_sample(context.path)
        if question is None:
            asked = " ".join(turns)[:_MOST_SHOWN]
            raise RequestRejected(
                f"{self.model} has no recorded question in {asked!r}: ask one of its "
                f"{len(self._recording.questions):,} questions as it was recorded"
            )
        samples = self._recording.questions[question]
        if number is not None and number >= len(samples):
            raise RequestRejected(
                f"{self.model}: question {question[:_MOST_SHOWN]!r} has {len(samples)} recorded samples, and sample "
                f"{number + 1} was asked for: ask for -k {len(samples)} at most"
            )
        return samples

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """A token for every four bytes or fewer; a mark where the role changes."""
        goes_on = after is not None and after.segment.role == role
        return Segment(role, text, (*(() if goes_on else (mark_of(role),)), *tokens_of(text)))

    async def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the ids; marks are written as `<|user|>`."""
        return text_of(token_ids)

    async def statistics(self) -> EngineStatistics:
        """Counts of its own; its KV cache is never full."""
        return EngineStatistics(
            running=self._running,
            waiting=0,
            kv_usage=0.0,
            prompt_tokens=self._total.prompt_tokens,
            generated_tokens=self._total.generated_tokens,
        )

    async def aclose(self) -> None:
        """Later calls fail, running ones at their next chunk."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")


@dataclass
class _Given:
    """What a call has given out so far."""

    usage: Usage

    def add(self, tokens: int) -> None:
        generated = self.usage.generated_tokens + tokens
        self.usage = self.usage.model_copy(update={"generated_tokens": generated})


def _is_answering(context: Context) -> bool:
    return context.segment.role == "assistant"
