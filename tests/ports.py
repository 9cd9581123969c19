"""Ports for servers that start later: nobody else is given them meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port of this machine on which nothing listens, held until the block ends.

    A server may listen on it all the same, and another one after it: as servers do, they allow their address to be in
    use. Clients of whoever else runs here are given other ports.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        yield port
