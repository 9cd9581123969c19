"""Clients that go, and clients that take their time."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from orchestrator.gateway.serving.server import allow_many_connections
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Piece, Said
from tests.orchestrator.processes import SECONDS

from .gateways import ASKED, CHAT, FakeAnswering, Gateway, gateway, head, never_ends, received

_SLOW = 1000


def ask(served: Gateway, *, stream: bool) -> socket.socket:
    body = json.dumps(ASKED | {"stream": stream}).encode()
    connection = served.connect()
    connection.sendall(head(length=len(body)) + body)
    return connection


@pytest.mark.parametrize("stream", [False, True])
def test_who_goes_ends_the_work(stream: bool) -> None:
    answering = FakeAnswering(never_ends)
    with gateway(answering) as served:
        with ask(served, stream=stream):
            assert answering.begun.acquire(timeout=SECONDS)
        assert answering.ended.acquire(timeout=SECONDS)
        with served.client() as client:
            # It is counted a moment after its work has ended.
            while 'status="499",way="plain"} 1.0' not in client.get("/metrics").text:
                pass
    assert any(" 499 " in line for line in served.lines)


def test_who_goes_before_its_turn_leaves_the_line() -> None:
    answering = FakeAnswering(never_ends)
    with gateway(answering, max_requests=1, max_waiting=1) as served:
        with ask(served, stream=True):
            assert answering.begun.acquire(timeout=SECONDS)
            with served.client() as client:
                with ask(served, stream=True):
                    while "forkjoin_requests_waiting 1.0" not in client.get("/metrics").text:
                        pass
                while "forkjoin_requests_waiting 0.0" not in client.get("/metrics").text:
                    pass
        assert answering.ended.acquire(timeout=SECONDS)
    assert len(answering.asked) == 1


def test_who_reads_nothing_is_cut_and_its_work_ended() -> None:
    pieces = 0

    async def floods(request: ModelRequest) -> AsyncIterator[Piece]:
        nonlocal pieces
        while True:
            pieces += 1
            yield Said("x" * 10_000)

    answering = FakeAnswering(floods)
    with gateway(answering, send_seconds=0.3) as served, ask(served, stream=True):
        assert answering.ended.acquire(timeout=SECONDS)
        with served.client() as client:
            while len(served.lines) < 1:
                client.get("/health")
    assert pieces < 2000, "what is not read is not generated without end"


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with gateway(body_seconds=0.1) as served, served.connect() as connection:
        connection.sendall(head(length=100) + b"{")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    with gateway(header_seconds=0.2) as served, served.connect() as connection:
        # It may be cut before it has sent anything.
        with suppress(ConnectionError):
            connection.sendall(b"POST /v1/chat")
        assert received(connection) == b""


def test_a_thousand_slow_clients_leave_the_others_served() -> None:
    allow_many_connections()
    body = json.dumps(ASKED).encode()
    begins = [b"", b"POST /v1/ch", head(length=len(body)), head(length=len(body)) + body[:9]]
    with gateway(max_requests=4, max_waiting=4) as served, ExitStack() as slow:
        for number in range(_SLOW):
            connection = slow.enter_context(served.connect())
            connection.sendall(begins[number % len(begins)])
        with served.client() as client:
            for _ in range(20):
                assert client.post(CHAT, json=ASKED).status_code == 200


@pytest.mark.parametrize(
    ("limit", "sent", "answer"),
    [("header_seconds", b"GET", b""), ("body_seconds", head(length=9), b"HTTP/1.1 408 ")],
)
def test_slow_clients_are_cut_and_nothing_of_them_is_left(
    limit: str, sent: bytes, answer: bytes
) -> None:
    answering = FakeAnswering()
    limits: dict[str, Any] = {limit: 0.2}
    with gateway(answering, **limits) as served, ExitStack() as slow:
        connections = [slow.enter_context(served.connect()) for _ in range(50)]
        for connection in connections:
            with suppress(ConnectionError):
                connection.sendall(sent)
        for connection in connections:
            if answer:
                assert connection.recv(65536).startswith(answer)
            else:
                assert received(connection) == b""
    assert not answering.asked
