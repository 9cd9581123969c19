"""What no client should send, on bare sockets where clients would not send it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.orchestrator.processes import SECONDS

from .gateways import (
    ASKED,
    CHAT,
    FakeAnswering,
    Gateway,
    gateway,
    head,
    never_ends,
    received,
    says_hello,
)

_MOST = 100_000


@pytest.fixture(scope="module")
def served() -> Iterator[Gateway]:
    with gateway(FakeAnswering(), max_body=_MOST) as running:
        yield running


def sent(served: Gateway, data: bytes) -> bytes:
    with served.connect() as connection:
        connection.sendall(data)
        return received(connection)


def error_of(answer: bytes, status: int) -> dict[str, Any]:
    begin, _, body = answer.partition(b"\r\n\r\n")
    assert begin.startswith(b"HTTP/1.1 %d " % status), begin
    error: dict[str, Any] = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def still_serves(served: Gateway) -> None:
    with served.client() as client:
        assert client.post(CHAT, json=ASKED).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/v1", 404), ("POST", "/v1/chat", 404), ("POST", f"{CHAT}/", 404),
        ("GET", "/v1/../health", 404), ("GET", "/v1/%2e%2e/%2e%2e/etc/passwd", 404), ("GET", "//health", 404),
        ("GET", "/docs", 404), ("GET", CHAT, 405), ("DELETE", CHAT, 405), ("POST", "/v1/models", 405),
        ("POST", "/metrics", 405), ("OPTIONS", CHAT, 405),
    ],
)  # fmt: skip
def test_other_paths_and_methods(served: Gateway, method: str, path: str, status: int) -> None:
    answer = sent(
        served, f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    )
    assert "POST /v1/chat/completions" in error_of(answer, status)["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[1]", b"null", b'"text"', b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe", b'{"model": "\xff"}',
        b"[" * 50_000, b'{"a":' * 15_000, b'{"messages": "\\ud800"}', b'{"n": ' + b"9" * 9000 + b"}",
        b'{"messages": []}', b'{"messages": [{"role": "user", "content": "Hello"}], "n": 1e999}',
        b'{"messages": [{"role": "user", "content": "Hello"}], "stream": "yes"}',
        b'{"messages": [{"role": "user", "content": "Hello"}], "\\u0000": {"__class__": 1}}',
    ],
    ids=range(17),
)  # fmt: skip
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses"])
def test_bodies_that_say_nothing(served: Gateway, path: str, body: bytes) -> None:
    answer = sent(served, head(path, "connection: close", length=len(body)) + body)
    assert error_of(answer, 400)["type"] == "invalid_request_error"


def test_half_of_a_character_is_told(served: Gateway) -> None:
    with served.client() as client:
        kind = {"content-type": "application/json"}
        response = client.post(CHAT, content=b'{"messages": "\\ud800"}', headers=kind)
    told = response.json()["error"]["message"]
    assert told == "the body is no JSON: it has half of a surrogate pair"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
)
def test_other_kinds_of_bodies(served: Gateway, kind: str) -> None:
    with served.client() as client:
        response = client.post(CHAT, content=b"{}", headers={"content-type": kind})
    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


def test_a_long_body_is_refused_by_its_head_alone(served: Gateway) -> None:
    with served.connect() as connection:
        connection.sendall(head(length=_MOST + 1))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        # It may go on with it, and is heard to the end.
        connection.sendall(b"x" * (_MOST + 1))
        connection.sendall(head("/v1/none", "connection: close", length=0))
        assert b"HTTP/1.1 404 " in received(connection)


def test_a_long_body_in_pieces_is_refused_before_its_end(served: Gateway) -> None:
    piece = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
    with served.connect() as connection:
        connection.sendall(head(CHAT, "transfer-encoding: chunked"))
        for _ in range(11):
            connection.sendall(piece)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_is_not_asked_for_that_would_be_refused(served: Gateway) -> None:
    with served.connect() as connection:
        connection.sendall(head(CHAT, "expect: 100-continue", length=_MOST + 1))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET /health HTTP/1.1\r\nbad header\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nconnection: close\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http(served: Gateway, data: bytes) -> None:
    assert error_of(sent(served, data), 400)["type"] == "invalid_request_error"
    still_serves(served)


def test_what_is_no_http_without_httptools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httptools", None)
    with gateway() as served:
        error_of(sent(served, b"GET\r\n\r\n"), 400)
        still_serves(served)


def test_what_is_no_http_does_not_get_into_an_answer() -> None:
    answering = FakeAnswering(never_ends)
    body = json.dumps(ASKED | {"stream": True}).encode()
    with gateway(answering) as served, served.connect() as connection:
        connection.sendall(head(length=len(body)) + body)
        answer = b""
        while b"Wait" not in answer:
            answer += connection.recv(65536)
        connection.sendall(b"nonsense\r\n\r\n")
        assert b"HTTP/1.1" not in received(connection)
        assert answering.ended.acquire(timeout=SECONDS)


def test_bodies_together_take_no_more_than_there_is_room_for() -> None:
    answering = FakeAnswering(never_ends)
    body = json.dumps(ASKED).encode()
    with gateway(answering, max_body=len(body) + 50, max_bodies=1) as served:
        with served.connect() as waiting:
            waiting.sendall(head(length=len(body)) + body)
            assert answering.begun.acquire(timeout=SECONDS)
            refused = sent(served, head(CHAT, "connection: close", length=len(body)) + body)
            assert "try again later" in error_of(refused, 429)["message"]
        # What the first one took is free as soon as it has gone.
        assert answering.ended.acquire(timeout=SECONDS)
        answering.script = says_hello
        with served.client() as client:
            while client.post(CHAT, json=ASKED).status_code == 429:
                pass


def test_a_head_without_an_end_is_cut(served: Gateway) -> None:
    with served.connect() as connection:
        try:
            for _ in range(100):
                connection.sendall(
                    b"GET / HTTP/1.1\r\n" if _ == 0 else b"x: " + b"y" * 10_000 + b"\r\n"
                )
        except ConnectionError:
            pass
        else:
            assert b"HTTP/1.1 2" not in received(connection)
    still_serves(served)


def test_a_next_request_that_comes_too_early_ends_the_connection_and_its_work() -> None:
    answering = FakeAnswering(never_ends)
    body = json.dumps(ASKED).encode()
    one = head(length=len(body)) + body
    with gateway(answering) as served, served.connect() as connection:
        connection.sendall(one)
        assert answering.begun.acquire(timeout=SECONDS)
        connection.sendall(one)
        assert received(connection) == b""
        assert answering.ended.acquire(timeout=SECONDS)


def test_names_in_headers_are_only_names(served: Gateway) -> None:
    with served.client() as client:
        evil = {
            "host": "evil.example",
            "x-forwarded-for": "1.2.3.4",
            "x-http-method-override": "DELETE",
        }
        response = client.post(CHAT + "/", json=ASKED, headers=evil)
        assert response.status_code == 404
        assert "evil" not in str(response.headers) + response.text
    assert served.line_of(response.headers["x-request-id"]).startswith("127.0.0.1 ")
