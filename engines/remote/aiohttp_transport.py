"""The transport on asyncio. No aiohttp exception leaves it.

aiohttp closes connections without waiting, so that nothing here waits while it is being cancelled.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO

import aiohttp
import anyio

from ..errors import EngineError
from .host_lookup import HostLookup
from .server_address import ServerAddress
from .transport import (
    KEEP_ALIVE_SECONDS,
    broke_off,
    closed_here,
    no_descriptor_left,
    not_trusted,
    nothing_answers,
    proxy_refuses,
    went_silent,
)
from .waiting import Waiting

_CLOSING_SECONDS = 5
# aiohttp's timer for silence starts when the request is written, which a server that never reads can prevent for a
# body that is longer than what the socket and asyncio keep.
_AT_ONCE = 32_768


class AiohttpTransport:
    """Any number of connections to one server, each used again for two seconds after its last call.

    Args:
        address: The server.
        headers: Sent with every request.
        connect_seconds: How long a connection may take to come about, the name's lookup included.
    """

    def __init__(
        self, address: ServerAddress, headers: Mapping[str, str], connect_seconds: float
    ) -> None:
        self.url = address.url
        self._connect_seconds = connect_seconds
        self._responses: set[aiohttp.ClientResponse] = set()
        self._waiting = Waiting(address.url)
        # Before the session, which would have to be closed.
        proxy = address.proxy
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                # Many branches decode at the same time; a pool with a limit would queue them unseen.
                limit=0,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                resolver=HostLookup(),
                use_dns_cache=False,
            ),
            # An answer that is packed is gathered first; a token should go out as it is.
            headers={"Accept-Encoding": "identity", **headers},
            # An API has no cookies, and looking for them takes time in every call.
            cookie_jar=aiohttp.DummyCookieJar(),
            # With `trust_env`, aiohttp asks the environment in the default executor in every call.
            proxy=proxy,
        )

    async def send(
        self, method: str, path: str, body: bytes | None, idle_seconds: float
    ) -> _AiohttpResponse:
        """Sends a request; see `Transport`."""
        latest: AbstractContextManager[object] = nullcontext()
        if body is not None and len(body) > _AT_ONCE:
            latest = anyio.move_on_after(self._connect_seconds + idle_seconds)
        with latest, self._waiting.one():
            try:
                response = await self._session.request(
                    method,
                    self.url + path,
                    data=None if body is None else _payload(body),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        total=None, connect=self._connect_seconds, sock_read=idle_seconds
                    ),
                )
            except (aiohttp.ClientError, OSError) as error:
                raise _translated(error, self.url, idle_seconds) from error
            self._responses.add(response)
            return _AiohttpResponse(response, self, idle_seconds)
        raise went_silent(self.url, idle_seconds)

    async def aclose(self) -> None:
        """Closes the connections, and ends what is not connected yet."""
        self._waiting.end()
        for response in self._responses:
            response.close()
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await self._session.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._session.closed

    def forget(self, response: aiohttp.ClientResponse) -> None:
        """Takes a response out of those to be closed with the transport."""
        self._responses.discard(response)


class _AiohttpResponse:
    def __init__(
        self, response: aiohttp.ClientResponse, transport: AiohttpTransport, idle_seconds: float
    ) -> None:
        self._response = response
        self._transport = transport
        self._idle_seconds = idle_seconds
        self.status = response.status
        self.headers = response.headers

    async def read(self) -> bytes:
        try:
            return await self._response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error, self._transport.url, self._idle_seconds) from error

    async def receive(self) -> bytes:
        if self._transport.closed:
            raise closed_here(self._transport.url)
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error, self._transport.url, self._idle_seconds) from error

    async def aclose(self) -> None:
        # After the end of the body the connection is back in the pool, and this does nothing.
        self._response.close()
        self._transport.forget(self._response)


def _payload(body: bytes) -> aiohttp.Payload:
    if len(body) <= _AT_ONCE:
        return aiohttp.BytesPayload(body, content_type="application/json")
    # Goes out in pieces, between which others have their turn.
    return aiohttp.BytesIOPayload(BytesIO(body), content_type="application/json")


def _translated(error: aiohttp.ClientError | OSError, url: str, idle_seconds: float) -> EngineError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return not_trusted(url, error.certificate_error)
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == 407:
        return proxy_refuses(url)
    if isinstance(error, aiohttp.ClientConnectorError):
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return no_descriptor_left(url)
        return nothing_answers(url, error.os_error)
    if isinstance(error, aiohttp.InvalidURL):
        return nothing_answers(url, error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return nothing_answers(url, "no connection in time")
    if isinstance(error, TimeoutError):
        return went_silent(url, idle_seconds)
    return broke_off(url, str(error) or type(error).__name__)
