"""OpenAI's own clients on a server that is a function: it reads a request, and writes pieces that a test gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai import AsyncOpenAI, OpenAI

from orchestrator.openai_api.api_error import ApiError, error_of
from orchestrator.openai_api.model_request import Endpoint, ModelRequest, read_request
from orchestrator.openai_api.pieces import Piece
from orchestrator.openai_api.writing import whole, writer_of

_ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/responses": "responses",
}
IDENTITY: dict[str, Any] = {"name": "abc", "model": "m", "created": 7}


@dataclass
class Server:
    """Answers whatever is asked with the same pieces.

    Attributes:
        pieces: What it answers.
        error: What it fails with, behind the pieces; None where it does not.
        requests: What it was asked.
    """

    pieces: Iterable[Piece] = ()
    error: Exception | None = None
    requests: list[ModelRequest] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        try:
            asked = read_request(_ENDPOINTS[request.url.path], json.loads(request.content))
            self.requests.append(asked)
            if asked.stream:
                headers = {"content-type": "text/event-stream"}
                return httpx2.Response(200, headers=headers, content=self._stream(asked))
            if self.error is not None:
                raise self.error
            return httpx2.Response(200, json=whole(asked, self.pieces, **IDENTITY))
        except Exception as error:
            return _refused(error_of(error))

    def _stream(self, asked: ModelRequest) -> bytes:
        return b"".join(lines(asked, self.pieces, self.error))


def _refused(error: ApiError) -> httpx2.Response:
    return httpx2.Response(error.status, headers=error.headers, json=error.body())


def lines(
    request: ModelRequest, pieces: Iterable[Piece], error: Exception | None = None
) -> list[bytes]:
    """A whole stream, event by event."""
    writer = writer_of(request, **IDENTITY)
    written = [line for piece in pieces for line in writer.events(piece)]
    return written + (writer.end() if error is None else writer.failure(error_of(error)))


def data(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """What events hold, without the one that says that it was the last."""
    found = []
    for line in lines:
        text = line.decode()
        assert text.endswith("\n\n")
        *named, last = text.removesuffix("\n\n").split("\n")
        assert last.startswith("data: ")
        if last != "data: [DONE]":
            event = json.loads(last.removeprefix("data: "))
            assert named == ([f"event: {event['type']}"] if "type" in event else [])
            found.append(event)
    return found


def client(server: Server) -> OpenAI:
    """A client of the server."""
    http = httpx2.Client(transport=httpx2.MockTransport(server))
    return OpenAI(api_key="k", base_url="http://server/v1", http_client=http, max_retries=0)


def async_client(server: Server) -> AsyncOpenAI:
    """An asynchronous client of the server."""
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
    return AsyncOpenAI(api_key="k", base_url="http://server/v1", http_client=http, max_retries=0)
