"""Serves over HTTP, by uvicorn inside of a task group of ours, from the first connection to an orderly end.

    listen ─> ready ─> ... until `stop` ─> no more connections ─> requests end, or are cancelled ─> closed

It does not know the signals that end a process: `stop` is an event, and cancelling `serve` ends everything at once.
"""

from __future__ import annotations

import errno
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio
import anyio.lowlevel
import uvicorn

from engines import Engine, UsageError

from ...http_server import QuietServer, listening_socket, quiet_config
from .admission import Admission
from .app import app_of
from .body_room import BodyRoom
from .connection_times import ConnectionTimes
from .http_protocol import http_protocol
from .metrics import Metrics
from .open_exchanges import OpenExchanges
from .post_endpoint import Answers, Service
from .server_settings import ServerSettings

_LOOK_SECONDS = 1.0
# Once their work is cancelled, requests have only to say so.
_LAST_SECONDS = 2.0
_ACCEPT_SECONDS = 0.02
_BACKLOG = 4096


def write_to_stderr(line: str) -> None:
    """Writes a line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def serve(
    answering: Answers,
    settings: ServerSettings,
    *,
    engine: Engine,
    stop: anyio.Event,
    ready: Callable[[str], object],
    log: Callable[[str], object] = write_to_stderr,
) -> None:
    """Serves until it is told to stop and all requests have ended, or have taken as long as they may.

    Args:
        answering: Who answers.
        settings: How.
        engine: What is asked whether it lives.
        stop: Ends the server when it is set.
        ready: Gets the server's address once it listens.
        log: Takes lines for the operator.

    Raises:
        UsageError: It cannot listen there.
    """
    admission = Admission(settings.max_requests, settings.max_waiting)
    service = Service(
        answering=answering,
        settings=settings,
        admission=admission,
        bodies=BodyRoom(settings.max_body * settings.max_bodies),
        metrics=Metrics(admission),
        open=OpenExchanges(),
        log=log,
    )
    allow_many_connections()
    listener = _listen(settings)
    address = _address(settings, listener)
    server = _Server(_config(service, engine))
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            await server.listening.wait()
            group.start_soon(_cut_slow_connections, server, settings)
            ready(address)
            await stop.wait()
            await _drain(server, service)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(server, service)


class _Server(QuietServer):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self.servers = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _config(service: Service, engine: Engine) -> uvicorn.Config:
    return quiet_config(
        app_of(service, engine),
        http=http_protocol(),
        backlog=_BACKLOG,
        timeout_keep_alive=service.settings.idle_seconds,
    )


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        return listening_socket(settings.host, settings.port, _BACKLOG)
    except (OSError, UnicodeError, OverflowError) as error:
        # Python adds to it what is told already.
        said = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        raise UsageError(
            f"--host {settings.host} --port {settings.port}: it cannot listen there: {said}: choose {_other(error)}"
        ) from None


def _other(error: Exception) -> str:
    """What to choose instead."""
    is_taken = isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES)
    if is_taken or isinstance(error, OverflowError):
        return "another port, or 0 for one that is free"
    return "an address of this machine as --host, such as 127.0.0.1, or 0.0.0.0 for all of them"


def _address(settings: ServerSettings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"


async def _cut_slow_connections(server: _Server, settings: ServerSettings) -> None:
    times = ConnectionTimes(settings.header_seconds, settings.send_seconds)
    while True:
        await anyio.sleep(min(_LOOK_SECONDS, settings.header_seconds / 2))
        for connection in times.overdue(server.server_state.connections, anyio.current_time()):
            connection.transport.abort()


async def _drain(server: _Server, service: Service) -> None:
    """Takes nothing more, and lets what was begun come to its end."""
    service.open.closed = True
    await _stop_listening(server)
    with anyio.move_on_after(service.settings.drain):
        await service.open.wait_none()


async def _end(server: _Server, service: Service) -> None:
    """Cancels what is left, and cuts all connections."""
    service.open.closed = True
    service.open.stop()
    await _stop_listening(server)
    with anyio.move_on_after(_LAST_SECONDS):
        await service.open.wait_none()
        await _wait_sent(server)
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()
    # Those whose client read nothing of that notice that it is gone.
    with anyio.move_on_after(_LAST_SECONDS):
        await _wait_closed(server)
        await service.open.wait_none()


async def _stop_listening(server: _Server) -> None:
    for each in server.servers:
        for listener in each.sockets:
            each.get_loop().remove_reader(listener)
    # What is closed while it accepts a connection leaves that open.
    await anyio.sleep(_ACCEPT_SECONDS)
    for each in server.servers:
        each.close()


async def _wait_sent(server: _Server) -> None:
    """Waits until clients have read the last words."""
    for connection in tuple(server.server_state.connections):
        connection.shutdown()
    await _wait_closed(server)


async def _wait_closed(server: _Server) -> None:
    while server.server_state.connections:  # noqa: ASYNC110 -- uvicorn tells nobody
        await anyio.sleep(0.01)
    await anyio.lowlevel.checkpoint()


def allow_many_connections() -> None:
    """Lets this process have as many open files as it may: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems say that there is no limit, and have one all the same.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
