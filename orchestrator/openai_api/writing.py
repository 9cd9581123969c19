"""An answer for each endpoint: as a stream, piece by piece, or as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from .answer_bodies import whole_chat, whole_text
from .api_error import ApiError
from .chunk_choices import ChatChoices, Choices, TextChoices
from .chunk_writer import ChunkWriter
from .gathered import gather
from .model_request import ModelRequest
from .pieces import Piece
from .response_events import ResponseEvents
from .response_writer import ResponseWriter


class Writer(Protocol):
    """Writes the stream of one answer."""

    def events(self, piece: Piece) -> list[bytes]:
        """The lines to send for a piece, each event with the blank line behind it."""
        ...

    def end(self) -> list[bytes]:
        """The lines that end the stream, once the last piece is written."""
        ...

    def failure(self, error: ApiError) -> list[bytes]:
        """The lines that end it instead, with an error."""
        ...


def writer_of(request: ModelRequest, *, name: str, model: str, created: int) -> Writer:
    """The writer of a request's answer.

    Args:
        request: Says which endpoint's stream it is.
        name: Unique among answers.
        model: Who answers.
        created: When, in seconds since 1970.
    """
    if request.endpoint == "responses":
        return ResponseWriter(ResponseEvents(request, name=name, model=model, created=created))
    choices: Choices = ChatChoices() if request.endpoint == "chat" else TextChoices()
    return ChunkWriter(
        choices,
        count=request.choices,
        usage=request.stream_usage,
        name=name,
        model=model,
        created=created,
    )


def whole(
    request: ModelRequest, pieces: Iterable[Piece], *, name: str, model: str, created: int
) -> dict[str, Any]:
    """The body of an answer that is sent as a whole.

    Args:
        request: Says which endpoint's body it is.
        pieces: All of them.
        name: Unique among answers.
        model: Who answered.
        created: When, in seconds since 1970.
    """
    if request.endpoint == "responses":
        events = ResponseEvents(request, name=name, model=model, created=created)
        for piece in pieces:
            events.of(piece)
        return events.response
    write = whole_chat if request.endpoint == "chat" else whole_text
    return write(gather(pieces, request.choices), name=name, model=model, created=created)
