"""A gateway on a socket of this machine, over answers that a test writes."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import httpx

from engines import Engine, FakeEngine, Usage
from orchestrator.gateway.serving.server import serve
from orchestrator.gateway.serving.server_settings import ServerSettings
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Ended, Finished, Piece, Said
from tests.orchestrator.processes import SECONDS

CHAT = "/v1/chat/completions"
ASKED = {"model": "fake", "messages": [{"role": "user", "content": "Hello"}]}
Script = Callable[[ModelRequest], AsyncIterator[Piece]]


def end(generated: int = 3) -> list[Piece]:
    usage = Usage(prompt_tokens=5, cached_tokens=2, generated_tokens=generated)
    return [Finished("stop"), Ended(usage=usage)]


async def says_hello(request: ModelRequest) -> AsyncIterator[Piece]:
    for piece in [Said("Hel"), Said("lo"), *end()]:
        yield piece


async def never_ends(request: ModelRequest) -> AsyncIterator[Piece]:
    yield Said("Wait")
    await anyio.sleep_forever()


@dataclass
class FakeAnswering:
    """Answers as a script says, and counts."""

    script: Any = says_hello
    asked: list[tuple[ModelRequest, str]] = field(default_factory=list)
    running: int = 0
    spent: Usage = Usage()
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def models(self) -> list[str]:
        return ["fake", "fake@self-consistency"]

    @asynccontextmanager
    async def answer(
        self, request: ModelRequest, *, owner: str
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        self.asked.append((request, owner))
        self.running += 1
        self.begun.release()
        try:
            async with aclosing(self.script(request)) as pieces:
                yield pieces
        finally:
            self.spent += Usage(prompt_tokens=5, cached_tokens=2, generated_tokens=3)
            self.running -= 1
            self.ended.release()


@dataclass
class Gateway:
    """A server that runs.

    Attributes:
        url: Its address.
        lines: What it told the operator.
        stop: Ends it in order.
        cancel: Ends it at once.
        thread: Where it runs.
        token: Its event loop's.
    """

    url: str
    lines: Sequence[str]
    stop: Callable[[], None]
    cancel: Callable[[], None]
    thread: threading.Thread
    token: Any

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def line_of(self, name: str) -> str:
        """The line of the request with this id, which comes behind its answer."""
        while True:
            for line in self.lines:
                if line.endswith(f"s {name}"):
                    return line

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=SECONDS, **options)


@contextmanager
def gateway(
    answering: Any = None, *, engine: Engine | None = None, **settings: Any
) -> Iterator[Gateway]:
    """Serves in a thread of its own, until the block ends."""
    answering = answering or FakeAnswering()
    lines: list[str] = []
    started: list[tuple[str, Any, anyio.Event, anyio.CancelScope]] = []
    ready = threading.Event()

    async def run() -> None:
        stop = anyio.Event()
        token = anyio.lowlevel.current_token()

        def tell(address: str) -> None:
            started.append((address, token, stop, scope))
            ready.set()

        with anyio.CancelScope() as scope:
            await serve(
                answering,
                ServerSettings(port=0, **settings),
                engine=engine or FakeEngine(),
                stop=stop,
                ready=tell,
                log=lines.append,
            )

    thread = threading.Thread(target=lambda: anyio.run(run), daemon=True)
    thread.start()
    assert ready.wait(SECONDS)
    address, token, stop, scope = started[0]

    def call(function: Callable[[], None]) -> Callable[[], None]:
        return lambda: anyio.from_thread.run_sync(function, token=token)

    running = Gateway(address, lines, call(stop.set), call(scope.cancel), thread, token)
    try:
        yield running
    finally:
        if thread.is_alive():
            running.cancel()
        thread.join(SECONDS)
        assert not thread.is_alive()


def received(connection: socket.socket) -> bytes:
    """Everything until the other side closes, or cuts."""
    data = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            data += part
    return data


def head(path: str = CHAT, *lines: str, length: int | None = None) -> bytes:
    """The head of a POST, as it is sent."""
    more = [] if length is None else [f"content-length: {length}"]
    return "\r\n".join(
        [
            f"POST {path} HTTP/1.1",
            "host: x",
            "content-type: application/json",
            *more,
            *lines,
            "",
            "",
        ]
    ).encode()
