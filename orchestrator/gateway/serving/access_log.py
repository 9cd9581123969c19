"""A line for every request on stderr, and an id that the client gets as well. No bodies, no queries, no headers.

127.0.0.1 POST /v1/chat/completions 200 0.214s 6f1c02b7
"""

from __future__ import annotations

import re
import secrets
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engines import ForkjoinError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "request_id"
"""Where a request's id is in the state of its ASGI scope."""

CLIENT_LEFT = 499
"""The status of a request whose client did not wait for the answer."""

_HEADER = b"x-request-id"
_GIVEN = re.compile(rb"[\w.:-]{1,64}", re.ASCII)
_LONGEST_PATH = 200
_LONGEST_LINE = 2000


class AccessLog:
    """Wraps an app.

    Args:
        app: Answers.
        write: Takes lines.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str], object]) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, and tells of it."""
        name = _name_of(scope)
        scope.setdefault("state", {})[REQUEST_ID] = name
        header = (_HEADER, name.encode())
        status = CLIENT_LEFT

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        begun = time.monotonic()
        try:
            await self._app(scope, receive, sent)
        finally:
            seconds = time.monotonic() - begun
            self._write(_line(scope, scope["state"].get("status", status), seconds, name))


def told_failure(error: BaseException, name: str) -> str:
    """What a client is not told, for the operator: the reason, or where in the code a mistake is."""
    if isinstance(error, ForkjoinError):
        return f"request {name} failed: {_short(' '.join(str(error).split()))}"
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join([f"request {name} failed by a mistake in code:", *map(_short, lines)])


def _line(scope: Scope, status: int, seconds: float, name: str) -> str:
    client: Any = scope.get("client")
    path = _one_line(scope["path"][:_LONGEST_PATH])
    return f"{client[0] if client else '-'} {_one_line(scope['method'])} {path} {status} {seconds:.3f}s {name}"


def _short(text: str) -> str:
    """A line that is no longer than an operator reads: what a message cites may be all that a client has sent."""
    line = _one_line(text[:_LONGEST_LINE])
    return line if len(text) <= _LONGEST_LINE else f"{line}..."


def _one_line(text: str) -> str:
    return (
        text
        if text.isprintable()
        else "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode()
            for letter in text
        )
    )


def _name_of(scope: Scope) -> str:
    for header, value in scope["headers"]:
        if header == _HEADER and _GIVEN.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(12)
