"""A server that answers in bytes of the test's choice, for what no well-behaved server sends."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.engines.servers import MODELS

Handle = Callable[[socket.socket, bytes], None]


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer whose length stands in no header, unless the test puts it there."""
    head = "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *headers])
    return head.encode() + b"\r\n\r\n" + body


def page(value: object, status: str = "200 OK") -> bytes:
    """A good answer."""
    body = json.dumps(value).encode()
    return http(body, f"Content-Length: {len(body)}", status=status)


def reset(connection: socket.socket) -> None:
    """Closes a connection so that the other end gets an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def listening(backlog: int = 64) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens and accepts nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def raw_serving(handle: Handle) -> Iterator[str]:
    """Lists one model, and has `handle` answer all other requests; it gets the head of each."""
    connections: list[socket.socket] = []
    talks: list[threading.Thread] = []

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while head := _request_on(connection):
                if b"/v1/models" in head.split(b"\r\n")[0]:
                    connection.sendall(page(MODELS))
                else:
                    handle(connection, head)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                talks.append(threading.Thread(target=talk, args=[connections[-1]], daemon=True))
                talks[-1].start()

    with listening() as (listener, url):
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield url
        finally:
            # Closing alone does not wake the thread that accepts.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            # What one of them has to say against the client belongs to this test.
            for talking in talks:
                talking.join()


def _request_on(connection: socket.socket) -> bytes:
    """The head of the next request, whose body is read too; nothing where the connection ends."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    _, found, length = head.lower().partition(b"content-length:")
    missing = int(length.split(b"\r\n")[0]) - len(body) if found else 0
    while missing > 0:
        piece = connection.recv(65536)
        if not piece:
            return b""
        missing -= len(piece)
    return head
