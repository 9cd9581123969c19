"""Turns the events of a streamed completion into chunks. It knows no connection."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NamedTuple

from .completion import Chunk, Usage
from .errors import EngineError, EngineUnavailable, NotAnEngine


class Reading:
    """Reads the events of one completion with token ids.

    Attributes:
        usage: What it has cost so far: the ids counted, at the end what the server says.
    """

    def __init__(self, prompt_tokens: int) -> None:
        self.usage = Usage(prompt_tokens=prompt_tokens, cached_tokens=None)

    async def chunks(
        self, events: AsyncIterator[dict[str, Any]], url: str
    ) -> AsyncGenerator[Chunk]:
        """The events as chunks; errors name `url`.

        Raises:
            EngineUnavailable: The stream ended before the completion did.
            EngineError: The server ended the completion for a reason of its own.
        """
        last: Chunk | None = None
        async for event in events:
            for choice in event.get("choices") or ():
                text, ids = self._content(choice)
                reason = choice.get("finish_reason")
                if reason not in (None, "stop", "length"):
                    raise EngineError(f"{url} ended the request: {reason}")
                chunk = Chunk(
                    text=text,
                    token_ids=ids,
                    usage=self.usage,
                    finish_reason=reason,
                    stop_reason=choice.get("stop_reason"),
                )
                if reason is not None:
                    # The usage of the whole call comes after it and belongs to it.
                    last = chunk
                elif text or ids:
                    yield chunk
            # It counts what came in the same event.
            if usage := event.get("usage"):
                self.usage = _usage(usage)
        if last is None:
            raise EngineUnavailable(
                f"{url} ended a stream in the middle: see whether the server still runs"
            )
        yield dataclasses.replace(last, usage=self.usage)

    def _content(self, choice: dict[str, Any]) -> _Content:
        ids = choice.get("token_ids")
        if ids is None:
            raise NotAnEngine("the vLLM server returns no token ids: update it to 0.25 or later")
        self._count(len(ids))
        return _Content(choice["text"], tuple(ids))

    def _count(self, tokens: int) -> None:
        generated = self.usage.generated_tokens + tokens
        self.usage = self.usage.model_copy(update={"generated_tokens": generated})


class TextReading(Reading):
    """Reads the events of one chat completion; counts deltas until the server tells the usage."""

    def __init__(self) -> None:
        super().__init__(0)
        self.usage = Usage(cached_tokens=None, lower_bound=True)

    def _content(self, choice: dict[str, Any]) -> _Content:
        text = (choice.get("delta") or {}).get("content") or ""
        self._count(bool(text))
        return _Content(text, ())


class _Content(NamedTuple):
    text: str
    token_ids: tuple[int, ...]


def _usage(reported: dict[str, Any]) -> Usage:
    details = reported.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=reported.get("prompt_tokens") or 0,
        cached_tokens=details.get("cached_tokens"),
        generated_tokens=reported.get("completion_tokens") or 0,
    )
