"""What every server of ours shares: a socket that listens, and a uvicorn that leaves logs and signals to others.

It needs the extra `serve`, and knows no application.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class QuietServer(uvicorn.Server):
    """Uvicorn's, which leaves signals to others."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing."""
        yield


def quiet_config(app: Any, **options: Any) -> uvicorn.Config:
    """A configuration that logs nothing and says nothing of itself; `options` are uvicorn's own."""
    return uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **options,
    )


def listening_socket(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """A socket that listens.

    Args:
        host: A name or an address of this machine.
        port: 0 is any that is free.
        backlog: How many connections may wait to be accepted; None leaves it to the system.

    Raises:
        OSError, UnicodeError, OverflowError: It cannot listen there.
    """
    family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(place, family=family, backlog=backlog)
    # Asyncio sets it for sockets of its own only; without it an answer's body waits 40 ms for its head's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
