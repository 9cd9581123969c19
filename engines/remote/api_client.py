"""An OpenAI-compatible API over httpx: JSON out, JSON or events back, forkjoin's errors.

It knows connections and status codes, but not what requests mean; `http_engine` does. No httpx
exception leaves it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx

from .errors import (
    ContextTooLong,
    EngineDead,
    EngineError,
    EngineUnavailable,
    NotAnEngine,
    RequestRejected,
    UsageError,
)
from .wire_formats import EventDecoder

# vLLM's server drops idle connections after 5 s; one taken from the pool just then would fail.
_KEEP_ALIVE_SECONDS = 2.0
_CONNECT_SECONDS = 60.0
_LONGEST_MESSAGE = 500


class ApiClient:
    """Talks to one server.

    Args:
        url: The server's address, with or without `/v1` at its end.
        api_key: Sent as a bearer token.
        idle_seconds: How long a server may send nothing before a call fails.
    """

    def __init__(self, url: str, api_key: str | None, idle_seconds: float) -> None:
        if api_key and not api_key.isascii():
            raise UsageError(
                "the API key (OPENAI_API_KEY) has characters that no key has: copy it again"
            )
        self.url = _root(url)
        self._idle_seconds = idle_seconds
        self._closed = False
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key.strip()}"} if api_key else None,
            # Many branches decode at the same time; a pool with a limit would queue them unseen.
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=None,
                keepalive_expiry=_KEEP_ALIVE_SECONDS,
            ),
            timeout=httpx.Timeout(idle_seconds, connect=_CONNECT_SECONDS, pool=None),
            # A proxy set for the internet cannot reach a server on this machine.
            trust_env=not _is_loopback(self.url),
        )

    async def get_text(self, path: str) -> str:
        """The body of a page."""
        return (await self._request("GET", path)).text

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path."""
        return self._object(await self._request("GET", path))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a JSON body."""
        return self._object(await self._request("POST", path, body))

    @asynccontextmanager
    async def events(
        self, path: str, body: dict[str, Any]
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Posts a body and reads the events that answer; leaving early closes the connection."""
        with self._translated():
            request = self._client.build_request("POST", self.url + path, json=body)
            response = await self._client.send(request, stream=True)
        pieces = response.aiter_bytes()
        try:
            if not response.is_success or _content_type(response) != "text/event-stream":
                with self._translated():
                    await response.aread()
                raise self._refusal(response) or self._not_an_engine(response)
            async with contextlib.aclosing(self._decoded(pieces)) as events:
                yield events
        finally:
            await _end(response, pieces)

    async def aclose(self) -> None:
        """Closes every connection; running calls fail with `EngineDead`."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            await self._client.aclose()

    async def _request(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        with self._translated():
            response = await self._client.request(method, self.url + path, json=body)
        if refusal := self._refusal(response):
            raise refusal
        return response

    async def _decoded(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any]]:
        decoder = EventDecoder()
        with self._translated():
            # After [DONE] comes the end of the body; only then can the connection be used again.
            async for piece in pieces:
                for data in decoder.feed(piece):
                    if data == "[DONE]":
                        continue
                    event = _parsed(data)
                    if event is None:
                        raise NotAnEngine(f"{self.url} sent an event without JSON: {data[:80]!r}")
                    if event.get("error"):
                        raise self._error(_status_in(event["error"]), _message(event, data))
                    yield event

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        found = _parsed(response.text)
        if found is None:
            raise self._not_an_engine(response)
        return found

    def _refusal(self, response: httpx.Response) -> EngineError | None:
        status = response.status_code
        if response.is_success:
            return None
        body = _parsed(response.text)
        # A proxy says in HTML that the server is down or wants a key; other pages are no engine.
        if body is None and status < 500 and status not in (401, 403, 429):
            if response.is_redirect:
                return NotAnEngine(
                    f"{self.url} redirects to {response.headers['location']}: use that address"
                )
            return self._not_an_engine(response)
        return self._error(status, _message(body, response.text))

    def _error(self, status: int, message: str) -> EngineError:
        if status in (401, 403):
            return RequestRejected(
                f"{self.url} refuses the key: {message}; set OPENAI_API_KEY to a key of this server"
            )
        if status == 429 or status >= 500:
            return EngineUnavailable(f"{self.url} answered {status}: {message}; try again later")
        sizes = _context_sizes(message)
        if sizes is not None:
            return ContextTooLong(*sizes)
        return RequestRejected(f"{self.url} refuses the request: {message}")

    def _not_an_engine(self, response: httpx.Response) -> NotAnEngine:
        return NotAnEngine(
            f"{response.url} answered {response.status_code} {_content_type(response)}, not as an "
            f"OpenAI-compatible API: check the address; it usually ends in /v1"
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """httpx's errors as ours."""
        try:
            yield
        except (httpx.HTTPError, httpx.StreamError, RuntimeError) as error:
            if self._closed:
                raise EngineDead("the engine was closed: open a new one") from error
            if isinstance(error, httpx.HTTPError):
                raise self._unavailable(error) from error
            raise

    def _unavailable(self, error: httpx.HTTPError) -> EngineUnavailable:
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return EngineUnavailable(
                f"nothing answers at {self.url} ({reason}): start the server or check the address"
            )
        if isinstance(error, httpx.TimeoutException):
            return EngineUnavailable(
                f"{self.url} sent nothing for {self._idle_seconds:g} s: "
                f"it hangs or has too much to do, look at its log"
            )
        return EngineUnavailable(
            f"{self.url} broke off the connection ({reason}): see whether the server still runs"
        )


async def _end(response: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
    """Closes the connection of a response that may not have been read to its end."""
    # A connection that fails to close is gone all the same.
    with anyio.CancelScope(shield=True):
        with contextlib.suppress(httpx.HTTPError):
            await response.aclose()
        # httpx nests generators and leaves them to the garbage collector, against which trio warns;
        # reading on, they all end at the closed connection.
        with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
            async for _ in pieces:
                pass


def _root(url: str) -> str:
    """The address in front of `/v1`.

    >>> _root("localhost:8000/v1/")
    'http://localhost:8000'
    """
    full = url.strip() if "://" in url else f"http://{url.strip()}"
    try:
        parts = httpx.URL(full)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise UsageError(
            f"{url!r} is no server's address: give one such as http://127.0.0.1:8000/v1"
        )
    return full.rstrip("/").removesuffix("/v1").rstrip("/")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip()


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _message(body: dict[str, Any] | None, text: str) -> str:
    """What a server says went wrong, in one line; servers differ in where they say it."""
    found: Any = body or text
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    line = " ".join(str(found).split())
    return line[:_LONGEST_MESSAGE] or "no reason given"


def _status_in(error: Any) -> int:
    """The status that an error event stands for; the response itself began with 200."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _context_sizes(message: str) -> tuple[int, int] | None:
    """Tokens and window, where a server says that a context is too long.

    >>> said = "maximum context length is 4097 tokens. However, it resulted in 5000 tokens"
    >>> _context_sizes(said)
    (5000, 4097)
    """
    window = re.search(r"maximum context length is (\d+)", message)
    tokens = re.search(r"(\d+) (?:input tokens|in the messages)|resulted in (\d+) tokens", message)
    return (int(tokens[1] or tokens[2]), int(window[1])) if window and tokens else None
