"""What servers and networks do wrong, on real sockets: nothing hangs, and each call ends with a typed error."""

from __future__ import annotations

import asyncio  # noqa: TID251 -- the trap is asyncio's own executor
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engines import (
    STREAMED,
    WHOLE,
    CallTimedOut,
    Completion,
    Delivery,
    EngineDead,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    FakeEngine,
    HttpEngine,
    Sampling,
    converse,
)
from engines.remote import api_client
from tests.engines import http_ways
from tests.engines.http_ways import Connect, Way
from tests.engines.raw_server import http, listening, raw_serving, reset
from tests.engines.servers import app, chat_app, delta, event_response, message, serving
from tests.ports import held_port

pytestmark = pytest.mark.anyio
way = http_ways.way
connect = http_ways.connect
anyio_backend = http_ways.anyio_backend

SHORT = Sampling(max_tokens=1)
DELIVERIES = pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])


async def ask(engine: HttpEngine, delivery: Delivery = WHOLE) -> Completion:
    context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    with anyio.fail_after(300):
        return await engine.generate(context, SHORT, delivery)


async def ask_often(
    engine: HttpEngine, calls: int, delivery: Delivery = WHOLE
) -> list[str | EngineError]:
    """The texts or errors of calls that run at the same time."""
    found: list[str | EngineError] = []

    async def call() -> None:
        try:
            found.append((await ask(engine, delivery)).text)
        except EngineError as error:
            found.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(calls):
            group.start_soon(call)
    return found


@contextmanager
def blocked_executor() -> Iterator[None]:
    """Fills asyncio's default executor with jobs that sleep."""
    awake = threading.Event()
    loop = asyncio.get_running_loop()
    jobs = [loop.run_in_executor(None, awake.wait, 300) for _ in range(64)]
    try:
        yield
    finally:
        awake.set()
        assert jobs


async def test_a_host_name_with_more_calls_than_threads(way: Way, connect: Connect) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(serving(chat_app(FakeEngine("4", text_only=True))))
        if way.name == "aiohttp":
            stack.enter_context(blocked_executor())
        async with connect(url.replace("127.0.0.1", "localhost")) as engine:
            assert await ask_often(engine, 200) == ["4"] * 200


async def test_a_storm_of_429(connect: Connect) -> None:
    async def chat(request: Request) -> Response:
        return JSONResponse({"error": "slow down"}, 429, {"Retry-After": "7"})

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            found = await ask_often(engine, 100)
    errors = [error for error in found if isinstance(error, EngineOverloaded)]
    assert [error.retry_after for error in errors] == [7] * 100


async def test_503_until_a_date(connect: Connect) -> None:
    until = "Fri, 31 Dec 1999 23:59:59 GMT"
    now = datetime(1999, 12, 31, 23, 59, 29, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

    def handle(connection: socket.socket, head: bytes) -> None:
        headers = (f"Retry-After: {until}", f"Date: {now}", "Content-Length: 2")
        connection.sendall(http(b"{}", *headers, status="503 Service Unavailable"))

    with raw_serving(handle) as url:
        async with connect(url) as engine:
            with pytest.raises(EngineOverloaded) as caught:
                await ask(engine)
    assert caught.value.retry_after == 30


async def test_500s(connect: Connect) -> None:
    async def chat(request: Request) -> Response:
        return Response("out of memory", 500)

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            found = await ask_often(engine, 50)
    assert [type(error) for error in found] == [EngineUnavailable] * 50
    assert all("500: out of memory" in str(error) for error in found)


@DELIVERIES
async def test_a_server_that_goes_silent(
    delivery: Delivery, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chat(request: Request) -> Response:
        if (await request.json())["stream"]:
            return event_response(_silent_after(delta("a")))
        await anyio.sleep_forever()
        raise AssertionError

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            # Not from the start: a busy machine may take longer to open it.
            assert engine._server is not None
            monkeypatch.setattr(engine._server.api, "_idle_seconds", 0.1)
            with pytest.raises(CallTimedOut, match=r"sent nothing for 0\.[13] s"):
                await ask(engine, delivery)
            assert engine.client_statistics.in_flight == 0


async def _silent_after(*events: dict[str, Any] | str) -> AsyncIterator[dict[str, Any] | str]:
    for event in events:
        yield event
    await anyio.sleep_forever()


async def test_a_stream_that_stays_open_after_its_end(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chat(request: Request) -> Response:
        return event_response(_silent_after(delta("4", "stop"), "data: [DONE]\n\n"))

    monkeypatch.setattr(api_client, "_GRACE_SECONDS", 0.05)
    with serving(app(chat)) as url:
        async with connect(url) as engine:
            assert (await ask(engine, STREAMED)).text == "4"
            assert engine.client_statistics.in_flight == 0


async def test_a_server_that_restarts(connect: Connect) -> None:
    fake = FakeEngine("4", text_only=True)
    with held_port() as port, ExitStack() as stack:
        url = stack.enter_context(serving(chat_app(fake), port))
        async with connect(url) as engine:
            assert (await ask(engine)).text == "4"
            stack.close()
            for _ in range(2):
                with pytest.raises(EngineUnavailable):
                    await ask(engine)
            stack.enter_context(serving(chat_app(fake), port))
            assert (await ask(engine)).text == "4"


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HALF = json.dumps(message("4")).encode()[:40]


# httpx leaves the generators of an answer that it cannot unpack to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <async_generator object")
@pytest.mark.parametrize(
    "answer",
    [
        http(HALF, "Content-Length: 400"),
        http(HALF, "Content-Length: 40"),
        http(HALF, "Connection: close"),
        http(b"28\r\n" + HALF + b"\r\n", "Transfer-Encoding: chunked"),
        http(b"190\r\n" + HALF, "Transfer-Encoding: chunked"),
        http(b"zz\r\n" + HALF, "Transfer-Encoding: chunked"),
        http(HALF, "Content-Encoding: gzip", "Content-Length: 40"),
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        b"HTTP/1.1 OK\r\n\r\n",
        b"",
    ],
    ids=[
        "length",
        "short length",
        "no length",
        "chunks",
        "half a chunk",
        "no chunk",
        "no gzip",
        "half a head",
        "no status",
        "nothing",
    ],
)
async def test_half_an_answer(answer: bytes, connect: Connect) -> None:
    def handle(connection: socket.socket, head: bytes) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_serving(handle) as url:
        async with connect(url) as engine:
            with pytest.raises(EngineUnavailable, match=f"{url} (broke off|ended)") as caught:
                await ask(engine)
    assert type(caught.value) is EngineUnavailable


async def read(engine: HttpEngine, texts: list[str], read_some: threading.Event) -> None:
    context = await converse(engine, [("user", "2 + 2?")])
    async with engine.stream(context, SHORT) as chunks:
        async for chunk in chunks:
            texts.append(chunk.text)
            read_some.set()


async def test_a_reset_in_the_middle_of_a_stream(connect: Connect) -> None:
    go_on = threading.Event()

    def handle(connection: socket.socket, head: bytes) -> None:
        event = f"data: {json.dumps(delta('a'))}\n\n".encode()
        connection.sendall(EVENTS + b"%x\r\n%b\r\n" % (len(event), event))
        go_on.wait(60)
        reset(connection)

    with raw_serving(handle) as url:
        async with connect(url) as engine:
            texts: list[str] = []
            with pytest.raises(EngineUnavailable, match="broke off the connection"):
                await read(engine, texts, go_on)
    assert texts == ["a"]


async def test_a_reset_after_the_end_of_a_stream(connect: Connect) -> None:
    def handle(connection: socket.socket, head: bytes) -> None:
        event = f"data: {json.dumps(delta('4', 'stop'))}\n\ndata: [DONE]\n\n".encode()
        connection.sendall(EVENTS + b"%x\r\n%b\r\n" % (len(event), event))
        connection.shutdown(socket.SHUT_RDWR)

    with raw_serving(handle) as url:
        async with connect(url) as engine:
            assert (await ask(engine, STREAMED)).text == "4"


async def test_a_connection_that_does_not_come_about(connect: Connect) -> None:
    with ExitStack() as stack:
        listener, url = stack.enter_context(listening(backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        with anyio.fail_after(300), pytest.raises(EngineUnavailable, match="nothing answers at"):
            async with connect(url, connect_seconds=0.2):
                pass


async def test_a_server_that_accepts_nothing(connect: Connect) -> None:
    with listening() as (_, url), anyio.fail_after(300), pytest.raises(CallTimedOut):
        async with connect(url, idle_seconds=0.1):
            pass


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [(b"", WHOLE), (http(HALF, "Content-Length: 400"), WHOLE), (b"", STREAMED), (EVENTS, STREAMED)],
    ids=["whole", "whole, half read", "streamed", "streamed, begun"],
)
async def test_closing_the_engine_ends_calls_that_wait(
    answer: bytes, delivery: Delivery, connect: Connect
) -> None:
    answered = threading.Semaphore(0)

    def handle(connection: socket.socket, head: bytes) -> None:
        connection.sendall(answer)
        answered.release()
        connection.recv(1)

    async def close_when_all_wait() -> None:
        for _ in range(3):
            assert await anyio.to_thread.run_sync(answered.acquire, True, 60)
        await anyio.wait_all_tasks_blocked()
        await engine.aclose()

    with raw_serving(handle) as url:
        async with connect(url) as engine, anyio.create_task_group() as group:
            group.start_soon(close_when_all_wait)
            found = await ask_often(engine, 3, delivery)
            assert engine.client_statistics.in_flight == 0
    assert [type(error) for error in found] == [EngineDead] * 3


async def test_a_server_that_speaks_something_else(connect: Connect) -> None:
    def handle(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    with raw_serving(handle) as url:
        async with connect(url) as engine:
            with pytest.raises(EngineUnavailable):
                await ask(engine)
