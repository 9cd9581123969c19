"""One writer's completion, as any engine generates it: a decoder with one block, a token a round.

    prompt ─ read ─> history | block 0 <─ write, sample, write, sample, ... until a stop, or the limit

It is driven as a session of several workers is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from ..completion import Chunk, FinishReason, Usage
from ..logprobs import Logprob, TokenLogprobs
from ..sampling import Sampling
from .decoder import PIECE, Decoder, Sampled
from .stop_texts import StopTexts
from .tokenizer import Tokenizer


class Vocabulary(Tokenizer, Protocol):
    """A tokenizer that knows its tokens."""

    def text_of(self, token_id: int) -> str:
        """What one id says by itself."""


class PlainWriter:
    """Generates after a prompt.

    Args:
        prompt: At least one id.
        sampling: When to stop, and whether logprobs are told; how tokens are drawn is the decoder's.
        decoder: Has one block, 0.
        tokenizer: The model's.
        eos_ids: The ids that end the model's turn.
        room: The most tokens to generate.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        decoder: Decoder,
        tokenizer: Vocabulary,
        *,
        eos_ids: Collection[int],
        room: int,
    ) -> None:
        self._sampling = sampling
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._reader = tokenizer.reader(skip_special_tokens=True)
        self._stops = StopTexts(sampling.stop)
        self._ends = frozenset() if sampling.ignore_eos else frozenset(eos_ids)
        self._room = room
        self._prompt = prompt
        self._read = 0
        self._feed = prompt[-1]
        self._generated = 0

    def advance(self) -> Chunk | None:
        """Does one round: its chunk, the last of which has a finish reason; None while the prompt is being read."""
        # Its last token is fed for the first round, which samples after it.
        unread = self._prompt[self._read : min(self._read + PIECE, len(self._prompt) - 1)]
        if unread:
            self._decoder.read(unread)
            self._read += len(unread)
            return None
        sampled = self._decoder.write({0: (self._feed,)})[0]
        self._feed = sampled.token_id
        self._generated += 1
        text, finish_reason, stop_reason = self._said(sampled.token_id)
        return Chunk(
            text=text,
            token_ids=(sampled.token_id,),
            usage=Usage(prompt_tokens=len(self._prompt), generated_tokens=self._generated),
            finish_reason=finish_reason,
            stop_reason=stop_reason,
            logprobs=self._logprobs(sampled),
        )

    def _said(self, token: int) -> tuple[str, FinishReason | None, str | int | None]:
        """What can be passed on after this token, whether it is the last one, and what it met."""
        if token in self._ends:
            return self._stops.rest(), "stop", None
        if token in self._sampling.stop_token_ids:
            return self._stops.rest(), "stop", token
        text, stop = self._stops.pass_on(self._reader.read(token))
        if stop is not None:
            return text, "stop", stop
        if self._generated == self._room:
            return text + self._stops.rest(), "length", None
        return text, None, None

    def _logprobs(self, sampled: Sampled) -> tuple[TokenLogprobs, ...]:
        if self._sampling.logprobs is None:
            return ()
        chosen, *top = (
            Logprob(self._tokenizer.text_of(token), value, token) for token, value in sampled.likely
        )
        return (TokenLogprobs(chosen, tuple(top[: self._sampling.logprobs])),)
