"""How a server ends."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import anyio.from_thread
import pytest

from engines import FakeEngine, UsageError
from orchestrator.gateway.serving import server
from orchestrator.gateway.serving.server import serve
from orchestrator.gateway.serving.server_settings import ServerSettings
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Piece
from tests.orchestrator.processes import SECONDS

from .gateways import (
    ASKED,
    FakeAnswering,
    Gateway,
    gateway,
    head,
    never_ends,
    received,
    says_hello,
)


def asked(served: Gateway, *, stream: bool = False) -> socket.socket:
    body = json.dumps(ASKED | {"stream": stream}).encode()
    connection = served.connect()
    connection.sendall(head(length=len(body)) + body)
    return connection


@pytest.fixture
def last_words_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds, which else are all there is for them, may pass in vain on a machine that is busy."""
    monkeypatch.setattr(server, "_LAST_SECONDS", SECONDS)


def test_what_was_begun_is_finished_and_nothing_else_begun() -> None:
    gate = anyio.Event()

    async def waits(request: ModelRequest) -> AsyncIterator[Piece]:
        await gate.wait()
        async for piece in says_hello(request):
            yield piece

    answering = FakeAnswering(waits)
    with gateway(answering) as served, served.client() as client, asked(served) as connection:
        client.get("/health")
        assert answering.begun.acquire(timeout=SECONDS)
        served.stop()
        while client.get("/health").status_code == 200:
            pass
        # A connection that is there already is told.
        refused = client.post("/v1/chat/completions", json=ASKED)
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            503,
            "service_unavailable",
        )
        # Some kernels refuse, others reset what they had taken.
        with suppress(ConnectionRefusedError, ConnectionResetError):
            while True:
                served.connect().close()
        anyio.from_thread.run_sync(gate.set, token=served.token)
        assert received(connection).startswith(b"HTTP/1.1 200 ")
        served.thread.join(SECONDS)
        assert not served.thread.is_alive()


@pytest.mark.usefixtures("last_words_are_waited_for")
@pytest.mark.parametrize("stream", [False, True])
def test_what_takes_too_long_is_cancelled_and_told(stream: bool) -> None:
    answering = FakeAnswering(never_ends)
    with gateway(answering, drain=0.05) as served, asked(served, stream=stream) as connection:
        assert answering.begun.acquire(timeout=SECONDS)
        # A stream that has not begun would get the status, too.
        begin = connection.recv(65536) if stream else b""
        served.stop()
        answer = begin + received(connection)
        assert answer.startswith(b"HTTP/1.1 200 " if stream else b"HTTP/1.1 503 ")
        assert b"the server is ending" in answer
        served.thread.join(SECONDS)
        assert answering.running == 0


@pytest.mark.usefixtures("last_words_are_waited_for")
def test_it_can_be_ended_at_once() -> None:
    answering = FakeAnswering(never_ends)
    with gateway(answering, drain=600) as served, asked(served) as connection:
        assert answering.begun.acquire(timeout=SECONDS)
        served.stop()
        served.cancel()
        served.thread.join(SECONDS)
        assert not served.thread.is_alive()
        assert answering.running == 0
        assert b"HTTP/1.1 503 " in received(connection)


def test_clients_that_do_nothing_hold_no_end_up() -> None:
    with gateway(drain=600) as served, served.connect(), served.connect() as connection:
        connection.sendall(b"GET /hea")
        served.stop()
        served.thread.join(SECONDS)
        assert not served.thread.is_alive()


def test_a_place_that_is_taken_is_refused() -> None:
    async def second(settings: ServerSettings) -> None:
        await serve(
            FakeAnswering(), settings, engine=FakeEngine(), stop=anyio.Event(), ready=lambda _: None
        )

    with gateway() as served:
        with pytest.raises(UsageError, match="use: choose another port"):
            anyio.run(second, ServerSettings(port=served.port))
        with pytest.raises(UsageError, match=r"cannot listen there: .*choose an address of this"):
            anyio.run(second, ServerSettings(host="256.1.1.1"))
