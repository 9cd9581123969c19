"""Serves the viewer until it is stopped. Which run, and what is told of it, others know."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import closing

import anyio

from engines import UsageError, single_error

from ..http_server import QuietServer, listening_socket, quiet_config
from .run_picture import RunPicture
from .viewer_app import viewer_app

_LOCAL = ("127.0.0.1", "localhost", "[::1]")
# What listens there may be called by any address of the machine, and by no name but its own.
_EVERYWHERE = ("0.0.0.0", "::")
_HTTP = 80
# Another one is listening, or it may not.
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)


async def serve(
    picture: RunPicture, *, host: str, port: int, ready: Callable[[str], object]
) -> None:
    """Serves until it is cancelled.

    Args:
        picture: Of the run.
        host: Where it listens.
        port: The same; 0 is any that is free.
        ready: Gets the address once it listens.

    Raises:
        UsageError: It cannot listen there.
    """
    with closing(_listener(host, port)) as listener:
        port = listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        app = viewer_app(picture, allowed_names(name, port), any_address=host in _EVERYWHERE)
        server = _Server(quiet_config(app))
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(server.serve_until_cancelled, listener)
                # Who comes at once waits in the line of a socket that listens already.
                ready(f"http://{name}:{port}/")


class _Server(QuietServer):
    """Closes its connections when it is cancelled."""

    async def serve_until_cancelled(self, listener: socket.socket) -> None:
        try:
            await self.serve([listener])
        finally:
            # Browsers keep theirs open.
            for connection in list(self.server_state.connections):
                connection.shutdown()


def allowed_names(host: str, port: int) -> set[str]:
    """The names, with ports, by which a server that listens there may be called, in lower case."""
    own = (
        {host.lower(), socket.gethostname().lower()}
        if host.strip("[]") in _EVERYWHERE
        else {host.lower()}
    )
    names = own | set(_LOCAL)
    return {f"{name}:{port}" for name in names} | (names if port == _HTTP else set())


def _listener(host: str, port: int) -> socket.socket:
    try:
        return listening_socket(host, port)
    except (OSError, UnicodeError, OverflowError) as error:
        said = getattr(error, "strerror", None) or str(error)
        if port and getattr(error, "errno", None) in _OF_THE_PORT:
            given, advice = f"--port {port}", "choose another port, or leave it out"
        else:
            given, advice = f"--host {host}", "give an address of this machine, or leave it out"
        raise UsageError(f"{given}: it cannot listen there: {said}: {advice}") from None
