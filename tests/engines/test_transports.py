"""Both transports on real sockets: the same bytes in, the same bytes and errors out."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest

from engines import CallTimedOut, EngineError, EngineUnavailable, HttpEngine, UsageError
from engines.remote import httpx_transport
from engines.remote.aiohttp_transport import AiohttpTransport
from engines.remote.api_client import ApiClient
from engines.remote.httpx_transport import HttpxTransport
from engines.remote.server_address import ServerAddress
from engines.remote.transport import Transport
from tests.engines import http_ways
from tests.engines.http_ways import Way
from tests.engines.raw_server import http, listening, page, raw_serving
from tests.engines.servers import app, serving

pytestmark = pytest.mark.anyio
way = http_ways.way
anyio_backend = http_ways.anyio_backend


@asynccontextmanager
async def opened(way: Way, url: str, connect_seconds: float = 60) -> AsyncIterator[Transport]:
    address = ServerAddress.parse(url)
    make = AiohttpTransport if way.name == "aiohttp" else HttpxTransport
    transport: Transport = make(address, {"X-Key": "k"}, connect_seconds)
    try:
        yield transport
    finally:
        await transport.aclose()


async def test_a_whole_answer(way: Way) -> None:
    heads = []

    def handle(connection: socket.socket, head: bytes) -> None:
        heads.append(head.decode().lower())
        connection.sendall(page({"a": 1}))

    with raw_serving(handle) as url:
        async with opened(way, url) as transport:
            for _ in range(2):
                response = await transport.send("POST", "/x", b'{"b": 2}', 60)
                assert response.status == 200
                assert response.headers["CONTENT-type"] == "application/json"
                assert await response.read() == b'{"a": 1}'
                await response.aclose()
    for head in heads:
        assert head.startswith("post /x http/1.1\r\n")
        assert "x-key: k" in head
        assert "content-type: application/json" in head
        assert "content-length: 8" in head


async def test_an_answer_in_pieces(way: Way) -> None:
    go_on = threading.Semaphore(0)

    def handle(connection: socket.socket, head: bytes) -> None:
        connection.sendall(http(b"", "Transfer-Encoding: chunked"))
        for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
            connection.sendall(piece)
            go_on.acquire(timeout=60)

    with raw_serving(handle) as url:
        async with opened(way, url) as transport:
            response = await transport.send("GET", "/x", None, 60)
            pieces = []
            while piece := await response.receive():
                pieces.append(piece)
                go_on.release()
            assert await response.receive() == b""
            await response.aclose()
            go_on.release()
    assert pieces == [b"a", b"bc"]


async def test_a_redirect_is_an_answer(way: Way) -> None:
    def handle(connection: socket.socket, head: bytes) -> None:
        headers = ("Location: http://elsewhere/", "Content-Length: 0")
        connection.sendall(http(b"", *headers, status="302 Found"))

    with raw_serving(handle) as url:
        async with opened(way, url) as transport:
            response = await transport.send("GET", "/x", None, 60)
            assert response.status == 302
            await response.aclose()


async def test_leaving_an_answer_closes_its_connection(way: Way) -> None:
    closed = threading.Event()

    def handle(connection: socket.socket, head: bytes) -> None:
        connection.sendall(http(b"half", "Content-Length: 8"))
        assert connection.recv(1) == b""
        closed.set()

    with raw_serving(handle) as url:
        async with opened(way, url) as transport:
            response = await transport.send("GET", "/x", None, 60)
            await response.receive()
            await response.aclose()
            assert await anyio.to_thread.run_sync(closed.wait, 60)


async def test_a_cancelled_request_closes_its_connection(way: Way) -> None:
    arrived, closed = threading.Event(), threading.Event()

    def handle(connection: socket.socket, head: bytes) -> None:
        arrived.set()
        assert connection.recv(1) == b""
        closed.set()

    with raw_serving(handle) as url:
        async with opened(way, url) as transport:
            async with anyio.create_task_group() as group:
                group.start_soon(transport.send, "POST", "/x", b"{}", 60)
                assert await anyio.to_thread.run_sync(arrived.wait, 60)
                group.cancel_scope.cancel()
            assert await anyio.to_thread.run_sync(closed.wait, 60)


# httpx leaves the body that it could not send to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*ByteStream.__aiter__")
async def test_a_server_that_never_reads_a_long_request(way: Way) -> None:
    with listening() as (_, url):
        # Sending may take as long as connecting too.
        async with opened(way, url, connect_seconds=2) as transport:
            with anyio.fail_after(60), pytest.raises(CallTimedOut, match=r"nothing for 0\.1 s"):
                await transport.send("POST", "/x", bytes(50_000_000), 0.1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", path, "-out", f"{path}.crt"], check=True, stderr=subprocess.DEVNULL
    )
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


async def test_a_certificate_that_nobody_signed(way: Way, certificate: Path) -> None:
    with serving(app(), certificate=certificate) as url:
        with pytest.raises(EngineError, match=r"not trusted.*AsyncClient\(verify=") as caught:
            await HttpEngine.open(url)
        assert not caught.value.retryable
        trusting = ssl.create_default_context(cafile=certificate)
        async with (
            httpx.AsyncClient(verify=trusting, trust_env=False) as client,
            HttpEngine(url, client=client) as engine,
        ):
            assert engine.model == "fake"


async def test_the_proxy_of_the_environment(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = []

    def handle(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(page({"tokens": []}))

    with raw_serving(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("//", "//me:secret@"))
        async with HttpEngine("http://server.invalid/v1") as engine:
            assert engine.model == "fake"
        async with opened(way, proxy) as transport:
            await (await transport.send("GET", "/direct", None, 60)).aclose()
    assert heads[-1].startswith(b"GET /direct ")


@pytest.mark.parametrize("url", ["http://server.invalid", "https://server.invalid"])
async def test_a_proxy_that_wants_a_password(
    url: str, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(connection: socket.socket, head: bytes) -> None:
        status = "407 Proxy Authentication Required"
        connection.sendall(http(b"<p>", "Content-Length: 3", status=status))

    with raw_serving(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("https_proxy", proxy)
        async with opened(way, url) as transport:
            with pytest.raises(EngineError, match=r"answered 407.*AsyncClient\(proxy=") as caught:
                await ApiClient(url, transport, 60).get("/x")
    assert not caught.value.retryable


async def test_a_proxy_that_is_no_http_proxy(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "direct.invalid")
    with pytest.raises(UsageError, match="socks5"):
        await HttpEngine.open("http://server.invalid/v1")
    async with opened(way, "http://direct.invalid"):
        pass


async def test_closing_ends_a_request_that_is_connecting(way: Way) -> None:
    async def send() -> None:
        with pytest.raises(EngineUnavailable, match="was closed"):
            await transport.send("GET", "/x", None, 60)

    with ExitStack() as stack:
        listener, url = stack.enter_context(listening(backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        async with opened(way, url, connect_seconds=60) as transport:
            with anyio.fail_after(60):
                async with anyio.create_task_group() as group:
                    group.start_soon(send)
                    await anyio.wait_all_tasks_blocked()
                    await transport.aclose()


async def test_a_client_that_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(client: httpx.AsyncClient) -> None:
        await anyio.sleep(10)
        raise AssertionError

    monkeypatch.setattr(httpx.AsyncClient, "aclose", never)
    monkeypatch.setattr(httpx_transport, "_CLOSING_SECONDS", 0.01)
    await HttpxTransport(ServerAddress.parse("http://server.invalid"), {}, 1).aclose()
