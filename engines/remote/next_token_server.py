"""How likely some tokens come next, on a vLLM server: what process reward models say that answer `+` or `-` to a step.

    text ──────────── tokenizer ──────┐
    conversation ──── chat template ──┴─> one token is sampled ─> logprobs of the tokens that are asked for

It is the next token after a prompt, not `prompt_logprobs` inside of one: these tell of the likeliest tokens only, at
all places, and vLLM then computes the whole prompt anew, where this takes all but its end from the prefix cache.

vLLM tells of any token where it knows `logprob_token_ids`, else of the 20 likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import EngineError, NotAnEngine, UsageError
from .answer_shape import expected_shape, ids_in, text_in
from .logprob_reading import logprob_told
from .side_server import SideServer

_TOKENIZE, _COMPLETIONS, _CHAT = "/tokenize", "/v1/completions", "/v1/chat/completions"
# As vLLM writes a token where texts could be mistaken.
_BY_ID = "token_id:"
# What vLLM gives without being told otherwise, where it does not know `logprob_token_ids`.
_MOST = 20


class NextTokenServer(SideServer):
    """A model on a vLLM server: `async with NextTokenServer(url) as server`. It is made as any `SideServer`."""

    _absent: ClassVar[str] = (
        "is no vLLM server of a model that generates, as it has no {path}: start one there with "
        "`python -m vllm.entrypoints.openai.api_server --model MODEL --runner generate`"
    )

    async def token_id(self, text: str) -> int:
        """The one token that a text is.

        Raises:
            UsageError: It is none, or more than one.
            EngineError: As `after_text`.
        """
        body = {"prompt": text, "add_special_tokens": False}
        answer = await self._asked(_TOKENIZE, body)
        with expected_shape(self._at(_TOKENIZE)):
            ids = ids_in(answer["tokens"])
        if len(ids) != 1:
            raise UsageError(
                f"{text!r} is {len(ids)} tokens of the model at {self._opened.url}: give a text that is one"
            )
        return ids[0]

    async def after_text(self, text: str, tokens: Sequence[int]) -> tuple[float, ...]:
        """The logprob of each token as the next one after a text, with the tokenizer's own beginning of a sequence.

        Those that the server does not tell of have minus infinity.

        Raises:
            RequestRejected: The server refuses it, as one that is too long (`ContextTooLong`).
            EngineUnavailable: It does not answer, or takes no more, however often it was tried.
            NotAnEngine: It is no vLLM server of a model that generates.
            EngineError: It tells of none of the tokens, or its numbers are none.
        """
        body = {"prompt": text, "logprobs": _MOST}
        choice = await self._sampled(_COMPLETIONS, body, tokens)
        with expected_shape(self._at(_COMPLETIONS)):
            (place,) = choice["logprobs"]["top_logprobs"]
            told = list(place.items())
        return self._of(tokens, told)

    async def after_conversation(
        self, messages: Sequence[Mapping[str, str]], tokens: Sequence[int]
    ) -> tuple[float, ...]:
        """The same for the first token of the assistant's next turn, in the model's own chat template."""
        body = {"messages": list(messages), "logprobs": True, "top_logprobs": _MOST}
        choice = await self._sampled(_CHAT, body, tokens)
        with expected_shape(self._at(_CHAT)):
            (place,) = choice["logprobs"]["content"]
            told = [(one["token"], one["logprob"]) for one in place["top_logprobs"]]
        return self._of(tokens, told)

    async def _sampled(
        self, path: str, body: dict[str, Any], tokens: Sequence[int]
    ) -> dict[str, Any]:
        asked = {
            "max_tokens": 1,
            "temperature": 0,
            "logprob_token_ids": list(tokens),
            "return_tokens_as_token_ids": True,
        }
        answer = await self._asked(path, body | asked)
        with expected_shape(self._at(path)):
            (choice,) = answer["choices"]
        return choice  # type: ignore[no-any-return]  # of another kind, it is found out where it is read

    def _of(self, tokens: Sequence[int], told: Sequence[tuple[Any, Any]]) -> tuple[float, ...]:
        with expected_shape(self._opened.url):
            known = {text_in(token): logprob_told(value) for token, value in told}
        if not any(token.startswith(_BY_ID) for token in known):
            raise NotAnEngine(
                f"{self._opened.url} does not tell tokens by their ids, as vLLM does: give the address of a vLLM server"
            )
        found = tuple(known.get(f"{_BY_ID}{token}", -math.inf) for token in tokens)
        if any(map(math.isnan, found)):
            raise EngineError(
                f"{self._opened.url} gave logprobs that are no numbers: see its log, and serve the model with "
                f"--dtype float32"
            )
        if all(value == -math.inf for value in found):
            raise EngineError(
                f"{self._opened.url} finds tokens {list(tokens)} impossible, or too unlikely to tell of: see that the "
                f"model was trained to say them there"
            )
        return found
