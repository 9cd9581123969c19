"""The seam to an HTTP library: a request out; a status, headers and bytes back.

There are two: aiohttp on asyncio, which carries a thousand calls at once, and httpx on trio or where the user has a
client of their own. Both raise these errors and no library's own. They know no JSON and no meaning of a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..errors import CallTimedOut, EngineError, EngineUnavailable

# vLLM's server drops idle connections after 5 s; one taken from the pool just then would fail.
KEEP_ALIVE_SECONDS = 2.0


class Response(Protocol):
    """The answer to one request, read whole or piece by piece."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; their names in any case."""

    async def read(self) -> bytes:
        """The whole body."""

    async def receive(self) -> bytes:
        """The next bytes of the body, as soon as there are any; none at its end."""

    async def aclose(self) -> None:
        """Gives the connection back, or closes it where the body has not been read to its end."""


class Transport(Protocol):
    """Sends requests to one server, any number at a time."""

    async def send(
        self, method: str, path: str, body: bytes | None, idle_seconds: float
    ) -> Response:
        """Sends a request, JSON where it has a body; returns when the headers of the answer are there.

        Args:
            method: GET or POST.
            path: What follows the server's address.
            body: JSON.
            idle_seconds: How long the server may send nothing, before the headers and in the body.

        Raises:
            EngineUnavailable: Nothing answers, or it broke off.
            CallTimedOut: Nothing came for so long.
            EngineError: The server's certificate is not trusted, or the proxy refuses; waiting helps neither.
        """

    async def aclose(self) -> None:
        """Closes every connection of its own; what waits for one ends with `EngineUnavailable`."""


def nothing_answers(url: str, reason: object) -> EngineUnavailable:
    """No connection came about."""
    return EngineUnavailable(
        f"nothing answers at {url} ({reason}): start the server or check the address"
    )


def not_trusted(url: str, reason: object) -> EngineError:
    """A certificate that does not hold."""
    return EngineError(
        f"the certificate of {url} is not trusted ({reason}): pass client=httpx.AsyncClient(verify=...) with one "
        f"that is, or set SSL_CERT_FILE"
    )


def proxy_refuses(url: str) -> EngineError:
    """A proxy on the way wants a user and a password."""
    return EngineError(
        f"the proxy before {url} answered 407, it wants a user and a password: put them into the address of the "
        f"proxy, or pass client=httpx.AsyncClient(proxy=...)"
    )


def no_descriptor_left(url: str) -> EngineUnavailable:
    """Every connection needs a file descriptor, and the system counts them."""
    return EngineUnavailable(
        f"no file descriptor is left for a connection to {url}: raise the limit (`ulimit -n`) "
        f"or let fewer calls run at once"
    )


def went_silent(url: str, seconds: float) -> CallTimedOut:
    """A connection on which nothing comes."""
    return CallTimedOut(
        f"{url} sent nothing for {seconds:g} s: it hangs or has too much to do, look at its log"
    )


def closed_here(url: str) -> EngineUnavailable:
    """A connection that ended because the transport was closed."""
    return EngineUnavailable(f"the connection to {url} was closed: open a new one")


def broke_off(url: str, reason: object) -> EngineUnavailable:
    """A connection that ended before the answer did."""
    return EngineUnavailable(
        f"{url} broke off the connection ({reason}): see whether the server still runs"
    )
