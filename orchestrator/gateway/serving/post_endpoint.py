"""Answers the POSTs of OpenAI's API: from a body to an answer, whole or streamed, or to an error of OpenAI's form.

    key ─> body ─> ModelRequest ─> a place ─> Answering ─> Piece, Piece, ... ─> bytes
                                                  └── beside it: has the client gone?

It does not know what bodies mean, how they are answered, or how bytes get to the client.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread
import msgspec

from engines import Usage, single_error

from ...openai_api.api_error import ApiError, error_of
from ...openai_api.model_request import Endpoint, ModelRequest, read_request
from ...openai_api.pieces import Ended, Piece, Told
from ...openai_api.writing import Writer, whole, writer_of
from .access_log import CLIENT_LEFT, REQUEST_ID, told_failure
from .admission import Admission, LineFull
from .body_room import BodyRoom
from .exchange import Exchange
from .metrics import Metrics, way_label
from .open_exchanges import OpenExchanges
from .server_settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_UNREAD = "unread"
"""The way of a request that nobody could read."""

# To read so many bytes takes about as long as it takes to have a thread do it.
_LONG_BODY = 64 * 1024
# Of such a half at the end of a text msgspec says that the body was truncated.
_HALF_CHARACTER = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])")
# So long a client may take to read that there is an error; nobody watches it then.
_SECONDS_TO_FAIL = 5


class Answers(Protocol):
    """Who answers."""

    @property
    def spent(self) -> Usage:
        """What all calls of the engine took so far."""
        ...

    def models(self) -> list[str]:
        """The names that a request may give."""
        ...

    def answer(
        self, request: ModelRequest, *, owner: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        """The pieces of an answer; leaving the block ends everything that works for it."""
        ...


@dataclass(kw_only=True)
class Service:
    """What the endpoints of one server share.

    Attributes:
        answering: Who answers.
        settings: How.
        admission: How many are answered at once.
        bodies: How much their bodies take.
        metrics: What is counted.
        open: What is worked on.
        log: Takes lines for the operator.
    """

    answering: Answers
    settings: ServerSettings
    admission: Admission
    bodies: BodyRoom
    metrics: Metrics
    open: OpenExchanges
    log: Callable[[str], object]


@dataclass(kw_only=True)
class _Asked:
    """A request, as far as it is read."""

    exchange: Exchange
    begun: float = field(default_factory=time.monotonic)
    way: str = _UNREAD
    answering: bool = False
    writer: Writer | None = None


class PostEndpoint:
    """One of the paths that are posted to, as an ASGI app.

    Args:
        endpoint: Which.
        service: What it works with.
    """

    def __init__(self, endpoint: Endpoint, service: Service) -> None:
        self._endpoint = endpoint
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        service = self._service
        with service.bodies.share() as take:
            exchange = Exchange(scope, receive, send, service.settings, take)
            asked = _Asked(exchange=exchange)
            with service.open.holding(exchange):
                status = await self._status(asked, scope["state"][REQUEST_ID])
        scope["state"]["status"] = status
        seconds = time.monotonic() - asked.begun
        service.metrics.finished(self._endpoint, asked.way, status, seconds)

    async def _status(self, asked: _Asked, name: str) -> int:
        error = await self._answered(asked, name)
        if error is not None:
            await _fail(asked, error)
        if asked.exchange.left:
            return CLIENT_LEFT
        return 200 if error is None else error.status

    async def _answered(self, asked: _Asked, name: str) -> ApiError | None:
        """Answers, and gives what went wrong; that is the one place where it is caught."""
        exchange = asked.exchange
        try:
            with exchange.work, single_error():
                await self._answer(asked)
        except Exception as error:
            said = error_of(error)
            if said.status >= 500:
                self._service.log(told_failure(error, name))
            return said
        return _ending() if exchange.stopped else None

    async def _answer(self, asked: _Asked) -> None:
        exchange, service = asked.exchange, self._service
        owner = owner_of(service, exchange.headers)
        request = await _read(self._endpoint, await exchange.body())
        asked.way = way_label(request)
        async with anyio.create_task_group() as group:
            group.start_soon(partial(exchange.watch, comments=request.stream))
            try:
                async with (
                    service.admission.place(),
                    service.answering.answer(request, owner=owner) as pieces,
                ):
                    await self._send(asked, request, pieces)
            except LineFull:
                raise _full(service.settings) from None
            group.cancel_scope.cancel()

    async def _send(
        self, asked: _Asked, request: ModelRequest, pieces: AsyncIterator[Piece]
    ) -> None:
        exchange = asked.exchange
        identity: dict[str, Any] = {
            "name": secrets.token_hex(12),
            "model": request.model or self._service.answering.models()[0],
            "created": int(time.time()),
        }
        if not request.stream:
            found = []
            async for piece in pieces:
                self._count(asked, piece)
                found.append(piece)
            await exchange.answer(200, msgspec.json.encode(whole(request, found, **identity)))
            return
        asked.writer = writer = writer_of(request, **identity)
        async for piece in pieces:
            self._count(asked, piece)
            if events := writer.events(piece):
                await exchange.write(b"".join(events))
        if events := writer.end():
            await exchange.write(b"".join(events))
        await exchange.end()

    def _count(self, asked: _Asked, piece: Piece) -> None:
        if not asked.answering and not isinstance(piece, Told):
            asked.answering = True
            seconds = time.monotonic() - asked.begun
            self._service.metrics.first(self._endpoint, asked.way, seconds)
        if isinstance(piece, Ended):
            self._service.metrics.ended(piece)


def owner_of(service: Service, headers: Any) -> str:
    """Whose request it is.

    Raises:
        ApiError: The server is ending, or the request has no key that fits.
    """
    if service.open.closed:
        raise _ending()
    owner = service.settings.keys.owner(headers.get(b"authorization"))
    if owner is None:
        raise ApiError(
            401,
            "a key is needed: send the header authorization: Bearer KEY with one that this server knows",
            headers={"www-authenticate": "Bearer"},
        )
    return owner


async def _read(endpoint: Endpoint, body: bytes) -> ModelRequest:
    """What a body says; a long one is read beside, so that nobody else waits for it."""
    if len(body) < _LONG_BODY:
        return read_request(endpoint, _object(body))
    return await anyio.to_thread.run_sync(lambda: read_request(endpoint, _object(body)))


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        half = _HALF_CHARACTER.search(body)
        told = "it has half of a surrogate pair" if half else str(error)
        raise ApiError(400, f"the body is no JSON: {told}") from None
    if not isinstance(data, dict):
        raise ApiError(400, "the body has to be a JSON object")
    return data


async def _fail(asked: _Asked, error: ApiError) -> None:
    """Tells the client of an error, behind what it has got already."""
    exchange = asked.exchange
    if exchange.left:
        return
    with anyio.move_on_after(_SECONDS_TO_FAIL) as exchange.work:
        if not exchange.begun:
            body = msgspec.json.encode(error.body())
            await exchange.answer(error.status, body, error.headers)
        elif asked.writer is not None:
            await exchange.write(b"".join(asked.writer.failure(error)))
            await exchange.end()


def _full(settings: ServerSettings) -> ApiError:
    return ApiError(
        429,
        f"{settings.max_requests} requests are answered and {settings.max_waiting} wait: try again later",
        headers={"retry-after": "1"},
    )


def _ending() -> ApiError:
    return ApiError(
        503,
        "the server is ending: try again later",
        headers={"connection": "close", "retry-after": "1"},
    )
