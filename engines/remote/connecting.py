"""How a server is connected to: which key it is shown, and which HTTP library carries the requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio

from ..errors import UsageError
from .server_address import ServerAddress
from .transport import Transport

if TYPE_CHECKING:
    import httpx


def authorization(
    address: ServerAddress, api_key: str | None, client: httpx.AsyncClient | None
) -> Mapping[str, str]:
    """The headers that show a key.

    Args:
        address: May hold a user and a password, which are shown where there is no key.
        api_key: The server's key; None takes OPENAI_API_KEY, except with a client, whose auth is its own.
        client: An httpx client of the caller's own.

    Raises:
        UsageError: It is no key.
    """
    key = api_key or (os.environ.get("OPENAI_API_KEY") if client is None else None)
    if key and not key.isascii():
        raise UsageError(
            "the API key (OPENAI_API_KEY) has characters that no key has: copy it again"
        )
    found = f"Bearer {key.strip()}" if key else address.credentials
    return {"Authorization": found} if found else {}


def transport_to(
    address: ServerAddress,
    headers: Mapping[str, str],
    connect_seconds: float,
    client: httpx.AsyncClient | None,
) -> Transport:
    """Requests to a server on the running event loop: by the client, or else aiohttp, and httpx on trio."""
    if client is None and anyio.get_cancelled_exc_class().__module__.startswith("asyncio"):
        from .aiohttp_transport import AiohttpTransport

        return AiohttpTransport(address, headers, connect_seconds)
    from .httpx_transport import HttpxTransport

    return HttpxTransport(address, headers, connect_seconds, client)
