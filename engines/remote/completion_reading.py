"""Turns what a server answers into chunks: the events of a stream, or the one object of a whole answer. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..completion import Chunk, Usage
from ..errors import EngineError, EngineUnavailable, NotAnEngine
from ..logprobs import TokenLogprobs
from .answer_shape import expected_shape, ids_in, text_in
from .logprob_reading import logprobs_of_chat, logprobs_of_ids


class Reading:
    """Reads the answer to one completion with token ids.

    Args:
        url: The server, for messages.
        prompt_tokens: Ids sent.
        most_logprobs: How many of the likeliest tokens were asked for.

    Attributes:
        usage: What it has cost so far: the ids counted, at the end what the server says.
    """

    def __init__(self, url: str, prompt_tokens: int, most_logprobs: int = 0) -> None:
        self.usage = Usage(prompt_tokens=prompt_tokens, cached_tokens=None)
        self._url = url
        self._most_logprobs = most_logprobs
        self._last: Chunk | None = None

    def feed(self, event: dict[str, Any]) -> Chunk | None:
        """What an event adds; None where that is nothing, or belongs to the end.

        Raises:
            EngineError: The server ended the completion for a reason of its own.
            NotAnEngine: It sends no token ids, or what no such API sends.
        """
        with expected_shape(self._url):
            # It counts what comes in the same event.
            reported = event.get("usage")
            if reported:
                self.usage = _usage(reported)
            chunk = None
            for choice in event.get("choices") or ():
                chunk = self._chunk(choice, is_counted=bool(reported))
            return chunk

    def whole(self, answer: dict[str, Any]) -> Chunk:
        """The one chunk of an answer that was not streamed.

        Raises:
            NotAnEngine: It is no completion.
        """
        if not answer.get("choices"):
            raise NotAnEngine(
                f"{self._url} sent no completion, so it is no OpenAI-compatible API: "
                f"check the address; it usually ends in /v1"
            )
        self.feed(answer)
        return self.end()

    def end(self) -> Chunk:
        """The last chunk, with the usage of the whole call, which comes after it.

        Raises:
            EngineUnavailable: The answer ended before the completion did.
        """
        if self._last is None:
            raise EngineUnavailable(
                f"{self._url} ended a stream in the middle: see whether the server still runs"
            )
        if self._last.usage is self.usage:
            return self._last
        return replace(self._last, usage=self.usage)

    def _chunk(self, choice: dict[str, Any], *, is_counted: bool) -> Chunk | None:
        text, ids, tokens, logprobs = self._content(choice)
        reason = choice.get("finish_reason")
        if reason not in (None, "stop", "length"):
            raise EngineError(f"{self._url} ended the request: {reason}")
        if tokens and not is_counted:
            generated = self.usage.generated_tokens + tokens
            self.usage = self.usage.model_copy(update={"generated_tokens": generated})
        chunk = Chunk(
            text=text,
            token_ids=ids,
            usage=self.usage,
            finish_reason=reason,
            stop_reason=_stop_reason(choice),
            logprobs=logprobs,
        )
        if reason is not None or self._last is not None:
            # Some servers end twice, or send more after the end.
            self._last = chunk if self._last is None else _joined(self._last, chunk)
            return None
        return chunk if text or ids or logprobs else None

    def _content(self, choice: dict[str, Any]) -> _Content:
        ids = choice.get("token_ids")
        if ids is None:
            raise NotAnEngine("the vLLM server returns no token ids: update it to 0.25 or later")
        logprobs = logprobs_of_ids(choice.get("logprobs"), ids, self._most_logprobs)
        return _Content(text_in(choice["text"]), ids_in(ids), len(ids), logprobs)


class TextReading(Reading):
    """Reads the answer to one chat completion; counts its parts until the server tells the usage."""

    def __init__(self, url: str, most_logprobs: int = 0) -> None:
        super().__init__(url, 0, most_logprobs)
        self.usage = Usage(cached_tokens=None, lower_bound=True)

    def _content(self, choice: dict[str, Any]) -> _Content:
        said = choice.get("delta") or choice.get("message") or {}
        text = text_in(said.get("content") or "")
        logprobs = logprobs_of_chat(choice.get("logprobs"), self._most_logprobs)
        return _Content(text, (), bool(text), logprobs)


class _Content(NamedTuple):
    text: str
    token_ids: tuple[int, ...]
    tokens: int
    logprobs: tuple[TokenLogprobs, ...]


def _joined(last: Chunk, more: Chunk) -> Chunk:
    return replace(
        more,
        text=last.text + more.text,
        token_ids=last.token_ids + more.token_ids,
        logprobs=last.logprobs + more.logprobs,
        finish_reason=more.finish_reason or last.finish_reason,
        stop_reason=last.stop_reason if more.stop_reason is None else more.stop_reason,
    )


def _stop_reason(choice: dict[str, Any]) -> str | int | None:
    found = choice.get("stop_reason")
    return found if found is None or isinstance(found, int) else text_in(found)


def _usage(reported: dict[str, Any]) -> Usage:
    details = reported.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=reported.get("prompt_tokens") or 0,
        cached_tokens=details.get("cached_tokens"),
        generated_tokens=reported.get("completion_tokens") or 0,
    )
