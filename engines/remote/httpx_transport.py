"""The transport on trio, and over a client that the user made, with auth, proxies or certificates of its own.

No httpx exception leaves it.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import anyio
import httpx

from .server_address import ServerAddress
from .transport import (
    KEEP_ALIVE_SECONDS,
    broke_off,
    not_trusted,
    nothing_answers,
    proxy_refuses,
    went_silent,
)
from .waiting import Waiting

_CLOSING_SECONDS = 5


class HttpxTransport:
    """Calls over httpx.

    Args:
        address: The server.
        headers: Sent with every request.
        connect_seconds: How long a connection may take to come about.
        client: The client to use, which its owner closes; None makes one.
    """

    def __init__(
        self,
        address: ServerAddress,
        headers: Mapping[str, str],
        connect_seconds: float,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._url = address.url
        self._headers = headers
        self._connect_seconds = connect_seconds
        self._waiting = Waiting(address.url)
        self._is_own = client is None
        self._client = _new_client(address) if client is None else client

    async def send(
        self, method: str, path: str, body: bytes | None, idle_seconds: float
    ) -> _HttpxResponse:
        """Sends a request; see `Transport`."""
        content_type = {"Content-Type": "application/json"} if body is not None else {}
        with _translated(self._url, idle_seconds), self._waiting.one():
            request = self._client.build_request(
                method,
                self._url + path,
                content=body,
                headers={**self._headers, **content_type},
                timeout=httpx.Timeout(idle_seconds, connect=self._connect_seconds, pool=None),
            )
            response = await self._client.send(request, stream=True)
        return _HttpxResponse(response, self._waiting, self._url, idle_seconds)

    async def aclose(self) -> None:
        """Ends what waits, and closes the client if it is not the user's."""
        self._waiting.end()
        if self._is_own:
            with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                await self._client.aclose()


class _HttpxResponse:
    def __init__(
        self, response: httpx.Response, waiting: Waiting, url: str, idle_seconds: float
    ) -> None:
        self._response = response
        self._waiting = waiting
        self._url = url
        self._idle_seconds = idle_seconds
        self._pieces: AsyncIterator[bytes] = response.aiter_bytes()
        self.status = response.status_code
        self.headers = response.headers

    async def read(self) -> bytes:
        with _translated(self._url, self._idle_seconds), self._waiting.one():
            return await self._response.aread()

    async def receive(self) -> bytes:
        with _translated(self._url, self._idle_seconds), self._waiting.one():
            async for piece in self._pieces:
                if piece:
                    return piece
            return b""

    async def aclose(self) -> None:
        # A connection that fails to close is gone all the same.
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            with contextlib.suppress(httpx.HTTPError):
                await self._response.aclose()
            # httpx nests generators and leaves them to the garbage collector, against which trio warns;
            # reading on, they all end at the closed connection.
            with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
                async for _ in self._pieces:
                    pass


def _new_client(address: ServerAddress) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        # Many branches decode at the same time; a pool with a limit would queue them unseen.
        limits=httpx.Limits(
            max_connections=None,
            max_keepalive_connections=None,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        ),
        # httpx reads the environment in its own way; the other transport could not follow.
        trust_env=False,
        proxy=address.proxy,
        # Reading the certificates of the system takes a tenth of a second.
        verify=ssl.create_default_context() if address.is_encrypted else False,
    )


@contextmanager
def _translated(url: str, idle_seconds: float) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        if found := _certificate_error(error):
            raise not_trusted(url, found) from error
        # The only sign of it that httpx leaves.
        if isinstance(error, httpx.ProxyError) and reason.startswith("407"):
            raise proxy_refuses(url) from error
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL):
            raise nothing_answers(url, reason) from error
        if isinstance(error, httpx.TimeoutException):
            raise went_silent(url, idle_seconds) from error
        raise broke_off(url, reason) from error


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What lies at the bottom, through httpcore's error and that of the event loop's library."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
