"""What a chunk of a stream has in its `choices`, for each endpoint that streams chunks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .answer_bodies import called, reasoning_fields
from .pieces import Finished, Piece, Reasoning, Said, ToolCall

Choice = dict[str, Any]


class Choices(Protocol):
    """The choices of one stream.

    Attributes:
        kind: The `object` of its chunks.
        prefix: What its ids begin with.
    """

    kind: str
    prefix: str

    def opening(self, number: int) -> Choice | None:
        """A choice before anything is said; None where the endpoint has none."""
        ...

    def empty(self) -> Choice:
        """The first choice, with nothing added."""
        ...

    def of(self, piece: Piece) -> Choice | None:
        """The choice that a piece adds to; None if the endpoint does not show it."""
        ...


class ChatChoices:
    """The choices of `/v1/chat/completions`."""

    kind = "chat.completion.chunk"
    prefix = "chatcmpl"

    def __init__(self) -> None:
        self._calls = 0

    def opening(self, number: int) -> Choice:
        """Whose turn it is."""
        return _chat(number, {"role": "assistant", "content": ""})

    def empty(self) -> Choice:
        """An empty delta."""
        return _chat(0, {})

    def of(self, piece: Piece) -> Choice | None:
        """Text is content, reasoning has fields of its own, and a call comes as a whole."""
        match piece:
            case Said(text, number) if text:
                return _chat(number, {"content": text})
            case Reasoning(text, number) if text:
                return _chat(number, reasoning_fields(text))
            case Finished(reason, number):
                return _chat(number, {}, reason)
            case ToolCall():
                call = {"index": self._calls, **called(piece)}
                self._calls += 1
                return _chat(0, {"tool_calls": [call]})
        return None


class TextChoices:
    """The choices of `/v1/completions`, which know neither reasoning nor calls."""

    kind = "text_completion"
    prefix = "cmpl"

    def opening(self, number: int) -> None:
        """Nothing."""

    def empty(self) -> Choice:
        """An empty text."""
        return _text(0, "")

    def of(self, piece: Piece) -> Choice | None:
        """What was said, and why it ended."""
        match piece:
            case Said(text, number) if text:
                return _text(number, text)
            case Finished(reason, number):
                return _text(number, "", reason)
        return None


def _chat(number: int, delta: Mapping[str, Any], reason: str | None = None) -> Choice:
    return {"index": number, "delta": delta, "logprobs": None, "finish_reason": reason}


def _text(number: int, text: str, reason: str | None = None) -> Choice:
    return {"index": number, "text": text, "logprobs": None, "finish_reason": reason}
