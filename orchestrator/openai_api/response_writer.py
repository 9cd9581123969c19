"""Writes the stream of `/v1/responses`. Pure."""

from __future__ import annotations

from .api_error import ApiError
from .pieces import Piece
from .response_events import ResponseEvents
from .server_sent import event_lines


class ResponseWriter:
    """The stream of one response.

    Args:
        events: Its events.
    """

    def __init__(self, events: ResponseEvents) -> None:
        self._events = events

    def events(self, piece: Piece) -> list[bytes]:
        """The lines to send for a piece."""
        return [event_lines(event) for event in self._events.of(piece)]

    def end(self) -> list[bytes]:
        """Nothing: the last event says that it is the last."""
        return []

    def failure(self, error: ApiError) -> list[bytes]:
        """The lines that end it with an error."""
        return [event_lines(event) for event in self._events.failed(error)]
