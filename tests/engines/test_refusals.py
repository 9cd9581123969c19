from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    ContextTooLong,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    NotAnEngine,
    RequestRejected,
)
from engines.remote.refusals import refusal, retry_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def refused(
    status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> EngineError | None:
    return refusal("http://server", "/v1/x", status, headers or {}, body, NOON.timestamp())


@pytest.mark.parametrize(
    ("status", "headers", "error", "wait"),
    [
        (429, {}, EngineOverloaded, None),
        (429, {"retry-after": "2"}, EngineOverloaded, 2),
        (503, {"retry-after": "0.5"}, EngineOverloaded, 0.5),
        (503, {}, EngineUnavailable, None),
        (503, {"retry-after": "soon"}, EngineUnavailable, None),
        (500, {"retry-after": "2"}, EngineUnavailable, None),
        (502, {}, EngineUnavailable, None),
        (504, {}, EngineUnavailable, None),
        (400, {"retry-after": "2"}, RequestRejected, None),
        (404, {}, RequestRejected, None),
        (422, {}, RequestRejected, None),
    ],
)
def test_who_can_try_again(
    status: int, headers: dict[str, str], error: type[EngineError], wait: float | None
) -> None:
    found = refused(status, headers=headers)
    assert type(found) is error
    assert getattr(found, "retry_after", None) == wait
    assert found is not None
    assert found.retryable == issubclass(error, EngineUnavailable)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_no_refusal(status: int) -> None:
    assert refused(status) is None


@given(st.integers(0, 10**6), st.integers(-(10**6), 10**6))
def test_a_date_counts_from_the_clock_of_the_server(seconds: int, ahead: int) -> None:
    start = NOON.timestamp() + ahead

    def date(at: float) -> str:
        return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)

    headers = {"retry-after": date(start + seconds), "date": date(start)}
    assert retry_after(headers, now=NOON.timestamp()) == seconds


@pytest.mark.parametrize(
    "wanted", ["", "-1", "soon", "1e400", "nan", "Thu, 99 Foo", "Thu, 01 Jan 99999 00:00:00 GMT"]
)
def test_a_wish_that_says_nothing(wanted: str) -> None:
    assert retry_after({"retry-after": wanted}, now=0) is None


def test_a_date_that_is_over() -> None:
    past = {"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}
    assert retry_after(past, now=NOON.timestamp()) == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "a\\n b"}}', "a b"),
        (b'{"error": "a"}', "a"),
        (b'{"message": "a", "code": 1}', "a"),
        (b'{"detail": [{"loc": ["seed"]}]}', "[{'loc': ['seed']}]"),
        (b"{}", "{}"),
    ],
)
def test_where_servers_say_what_is_wrong(body: bytes, said: str) -> None:
    assert str(refused(400, body)) == f"http://server refuses the request: {said}"


def test_an_endless_reason_is_cut() -> None:
    assert len(str(refused(500, b"x" * 10_000))) < 600


def test_a_context_that_is_too_long() -> None:
    message = (
        "This model's maximum context length is 100 tokens. However, you requested 50 output "
        "tokens and your prompt contains 80 input tokens."
    )
    found = refused(400, json.dumps({"error": {"message": message}}).encode())
    assert isinstance(found, ContextTooLong)
    assert (found.tokens, found.window) == (80, 100)


def test_a_page_is_no_engine() -> None:
    found = refused(404, b"<h1>not here</h1>", {"content-type": "text/html; charset=utf-8"})
    assert isinstance(found, NotAnEngine)
    assert str(found).startswith("http://server/v1/x answered 404 text/html, not as")


def test_a_proxy_that_takes_no_long_request() -> None:
    page = b"<html><h1>413 Request Entity Too Large</h1></html>"
    found = refused(413, page, {"content-type": "text/html"})
    assert type(found) is RequestRejected
    assert "shorten the context" in str(found)


def test_a_proxy_that_wants_a_password() -> None:
    found = refused(407, b"<html>", {"content-type": "text/html"})
    assert type(found) is EngineError
    assert "client=httpx.AsyncClient(proxy=...)" in str(found)
