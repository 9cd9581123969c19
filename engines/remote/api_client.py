"""An OpenAI-compatible API: JSON out, JSON or events back, forkjoin's errors.

It knows statuses and formats, but not what requests mean; `http_engine` does. Connections are the transport's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import anyio

from ..errors import EngineError, EngineUnavailable, NotAnEngine
from .flights import Flights
from .json_codec import decoded_object, encoded, is_json
from .refusals import content_type, error_event, not_an_engine, refusal
from .transport import Response, Transport
from .wire_formats import EventDecoder

_EVENTS = "text/event-stream"
# For the end of the body after [DONE]; only then can the connection be used again.
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatistics:
    """What a client has sent to its server; the server's own counts hold its other clients too.

    Attributes:
        requests: Requests sent, all kinds.
        in_flight: Requests that are not answered yet.
        peak_in_flight: The most that were in flight at once.
        bytes_sent: Bytes of the bodies sent.
        bytes_received: Bytes of the bodies received.
    """

    requests: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class ApiClient:
    """Talks to one server.

    Args:
        url: The server's address, without `/v1`.
        transport: Carries the requests; closed with the client.
        idle_seconds: How long the server may send nothing before a call fails.
    """

    def __init__(self, url: str, transport: Transport, idle_seconds: float) -> None:
        self.url = url
        self._transport = transport
        self._idle_seconds = idle_seconds
        self._flights = Flights()
        self._sent = 0
        self._received = 0

    @property
    def statistics(self) -> ClientStatistics:
        """What has been sent so far."""
        return ClientStatistics(
            requests=self._flights.total,
            in_flight=self._flights.now,
            peak_in_flight=self._flights.peak,
            bytes_sent=self._sent,
            bytes_received=self._received,
        )

    async def get_text(self, path: str) -> str:
        """The body of a page."""
        return (await self._fetch("GET", path, None, self._idle_seconds)).body.decode(
            errors="replace"
        )

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path."""
        return self._object(path, await self._fetch("GET", path, None, self._idle_seconds))

    async def post(
        self, path: str, body: dict[str, Any], more_seconds: float = 0
    ) -> dict[str, Any]:
        """The JSON object that answers a JSON body; `more_seconds` may pass beyond the ordinary until it begins."""
        idle_seconds = self._idle_seconds + more_seconds
        return self._object(path, await self._fetch("POST", path, encoded(body), idle_seconds))

    @asynccontextmanager
    async def events(
        self, path: str, body: dict[str, Any]
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Posts a body and reads the events that answer; leaving early closes the connection."""
        data = encoded(body)
        self._sent += len(data)
        with self._flights:
            response = await self._transport.send("POST", path, data, self._idle_seconds)
            try:
                if response.status != 200 or content_type(response.headers) != _EVENTS:
                    answer = await self._read(response)
                    raise self._refusal(path, answer) or not_an_engine(
                        self.url + path, answer.status, answer.headers
                    )
                async with aclosing(self._decoded(response)) as events:
                    yield events
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        """Closes every connection; running calls fail with `EngineDead`."""
        self._flights.closed = True
        await self._transport.aclose()

    async def _fetch(
        self, method: str, path: str, body: bytes | None, idle_seconds: float
    ) -> _Answer:
        self._sent += len(body or b"")
        with self._flights:
            response = await self._transport.send(method, path, body, idle_seconds)
            try:
                answer = await self._read(response)
            finally:
                await response.aclose()
        if answer.status != 200 and (refused := self._refusal(path, answer)):
            raise refused
        return answer

    async def _read(self, response: Response) -> _Answer:
        body = await response.read()
        self._received += len(body)
        return _Answer(response.status, response.headers, body)

    def _refusal(self, path: str, answer: _Answer) -> EngineError | None:
        return refusal(self.url, path, answer.status, answer.headers, answer.body, time.time())

    def _object(self, path: str, answer: _Answer) -> dict[str, Any]:
        found = decoded_object(answer.body)
        if found is None:
            if content_type(answer.headers) == "application/json" and not is_json(answer.body):
                raise EngineUnavailable(
                    f"{self.url} ended an answer in the middle: see whether the server still runs"
                )
            raise not_an_engine(self.url + path, answer.status, answer.headers)
        if found.get("error"):
            raise error_event(self.url, found)
        return found

    async def _decoded(self, response: Response) -> AsyncGenerator[dict[str, Any]]:
        decoder = EventDecoder()
        while piece := await response.receive():
            self._received += len(piece)
            for data in decoder.feed(piece):
                if data == b"[DONE]":
                    await self._drain(response)
                    return
                yield self._event(data)
        # A half event means that the answer broke off, which whoever misses its end will say.
        for data in decoder.end():
            if is_json(data):
                yield self._event(data)

    def _event(self, data: bytes) -> dict[str, Any]:
        event = decoded_object(data)
        if event is None:
            said = data[:80].decode(errors="replace")
            raise NotAnEngine(f"{self.url} sent an event without JSON: {said!r}")
        if event.get("error"):
            raise error_event(self.url, event)
        return event

    async def _drain(self, response: Response) -> None:
        """Reads on to the end of a body that has nothing more to say; what goes wrong there harms no answer."""
        with anyio.move_on_after(_GRACE_SECONDS), suppress(EngineError):
            while piece := await response.receive():
                self._received += len(piece)


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
