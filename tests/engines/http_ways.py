"""The ways to speak HTTP that the tests of the HTTP engine go: aiohttp, and httpx on either event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import pytest

from engines import HttpEngine
from engines.remote import aiohttp_transport, httpx_transport

# On a busy machine the next call may come late; httpx would even close a connection that it has just given to one.
_KEEP_ALIVE = 300


class Connect(Protocol):
    def __call__(self, url: str, **options: Any) -> AbstractAsyncContextManager[HttpEngine]: ...


@dataclass(frozen=True)
class Way:
    name: str
    backend: str
    brings_client: bool = False

    @asynccontextmanager
    async def connect(self, url: str, **options: Any) -> AsyncIterator[HttpEngine]:
        """An open engine on a server."""
        async with AsyncExitStack() as stack:
            if self.brings_client:
                limits = httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE)
                client = httpx.AsyncClient(limits=limits, trust_env=False, verify=False)
                options["client"] = await stack.enter_async_context(client)
            yield await stack.enter_async_context(HttpEngine(url, **options))


WAYS = (
    Way("aiohttp", "asyncio"),
    Way("httpx", "asyncio", brings_client=True),
    Way("httpx-trio", "trio"),
)


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    for transport in (aiohttp_transport, httpx_transport):
        monkeypatch.setattr(transport, "KEEP_ALIVE_SECONDS", _KEEP_ALIVE)
    found: Way = request.param
    return found


@pytest.fixture
def anyio_backend(way: Way) -> str:
    return way.backend


@pytest.fixture
def connect(way: Way) -> Connect:
    return way.connect
