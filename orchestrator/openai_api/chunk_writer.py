"""Writes the streams of `/v1/chat/completions` and `/v1/completions`. Pure.

    role, delta, delta, {forkjoin: {event}}, delta, finish_reason, usage, [DONE]

A chunk that tells an event adds nothing to its first choice: clients that know nothing of events read `choices[0]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .answer_bodies import with_detail
from .api_error import ApiError
from .chunk_choices import Choice, Choices
from .pieces import Ended, Piece, Told
from .server_sent import DONE, data_lines
from .usage_bodies import completion_usage


class ChunkWriter:
    """The stream of one answer.

    Args:
        choices: Of the endpoint.
        count: How many answers there are.
        usage: Whether it ends with what it cost.
        name: Unique among answers.
        model: Who answers.
        created: When, in seconds since 1970.
    """

    def __init__(
        self, choices: Choices, *, count: int, usage: bool, name: str, model: str, created: int
    ) -> None:
        self._choices = choices
        self._usage = usage
        self._head: dict[str, Any] = {
            "id": f"{choices.prefix}-{name}",
            "object": choices.kind,
            "created": created,
            "model": model,
        }
        self._unopened = range(count)

    def events(self, piece: Piece) -> list[bytes]:
        """The lines to send for a piece."""
        return [data_lines(chunk) for chunk in (*self._opening(), *self._chunks(piece))]

    def end(self) -> list[bytes]:
        """The lines that end the stream."""
        return [DONE]

    def failure(self, error: ApiError) -> list[bytes]:
        """The lines that end it with an error."""
        return [data_lines(error.body()), DONE]

    def _opening(self) -> Iterator[dict[str, Any]]:
        # OpenAI's client has to meet the choices in their order.
        for number in self._unopened:
            if (choice := self._choices.opening(number)) is not None:
                yield self._chunk(choice)
        self._unopened = range(0)

    def _chunks(self, piece: Piece) -> Iterator[dict[str, Any]]:
        match piece:
            case Told(event):
                yield self._empty({"event": dict(event)})
            case Ended(detail=detail) if self._usage:
                usage = {"choices": [], "usage": completion_usage(piece)}
                yield self._head | usage | with_detail(detail)
            case Ended(detail=detail):
                if detail:
                    yield self._empty(detail)
            case _:
                if (choice := self._choices.of(piece)) is not None:
                    yield self._chunk(choice)

    def _empty(self, forkjoin: Mapping[str, Any]) -> dict[str, Any]:
        return self._chunk(self._choices.empty()) | with_detail(forkjoin)

    def _chunk(self, choice: Choice) -> dict[str, Any]:
        chunk = self._head | {"choices": [choice]}
        # Where usage comes at the end, OpenAI's chunks say that it has not come yet.
        return chunk | {"usage": None} if self._usage else chunk
