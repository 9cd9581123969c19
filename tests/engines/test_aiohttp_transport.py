"""What only the transport over aiohttp does."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import anyio
import pytest

from engines import EngineUnavailable
from engines.remote.aiohttp_transport import AiohttpTransport
from engines.remote.server_address import ServerAddress
from tests.engines.raw_server import listening, page, raw_serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(ServerAddress.parse(url), {}, 60)
    try:
        yield transport
    finally:
        await transport.aclose()


async def test_a_host_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    look_up = socket.getaddrinfo

    def counting(*arguments: Any) -> Any:
        asked.append(arguments[0])
        return look_up(*arguments)

    async def send() -> None:
        response = await transport.send("GET", "/x", None, 60)
        assert await response.read() == b"{}"
        await response.aclose()

    monkeypatch.setattr(socket, "getaddrinfo", counting)
    with raw_serving(lambda connection, head: connection.sendall(page({}))) as url:
        async with (
            opened(url.replace("127.0.0.1", "localhost")) as transport,
            anyio.create_task_group() as group,
        ):
            for _ in range(50):
                group.start_soon(send)
    assert asked == ["localhost"]


async def test_closing_while_names_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    look_up = socket.getaddrinfo

    def slowly(*arguments: Any) -> Any:
        assert go_on.wait(60)
        return look_up(*arguments)

    errors: list[EngineUnavailable] = []

    async def send() -> None:
        try:
            await transport.send("GET", "/x", None, 60)
        except EngineUnavailable as error:
            errors.append(error)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with listening() as (_, url):
        async with (
            opened(url.replace("127.0.0.1", "localhost")) as transport,
            anyio.create_task_group() as group,
        ):
            for _ in range(3):
                group.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            await transport.aclose()
            go_on.set()
    assert len(errors) == 3


async def test_no_file_descriptor_is_left() -> None:
    with listening() as (_, url):
        async with opened(url) as transport:
            with no_more_files(), pytest.raises(EngineUnavailable, match="ulimit -n"):
                await transport.send("GET", "/x", None, 5)


@contextmanager
def no_more_files() -> Iterator[None]:
    """Takes every file descriptor that there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        first = stack.enter_context(socket.socket())
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (first.fileno() + 20, hard))
        with suppress(OSError):
            while True:
                stack.enter_context(socket.socket())
        yield
