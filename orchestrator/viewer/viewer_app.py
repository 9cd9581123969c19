"""The viewer over HTTP: a page, the picture of one run, its texts by key, and a search through them. Read only.

    GET /                 the page
    GET /picture?since=N  what is new in the picture, and its epoch, which is another in another server's
    GET /text/KEY         a text, which is looked up: no part of a request is ever a file's name
    GET /search?q=...     where texts hold it

It answers only who calls it by a name that it has: another site that has its own name resolve to this machine (DNS
rebinding) is refused. It knows no sockets.
"""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
from collections.abc import Callable, Collection
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engines import ForkjoinError

from ..errors import JournalError
from .page_file import served_page
from .run_picture import RunPicture

_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_MOST_DIGITS = 15


def viewer_app(
    picture: RunPicture, hosts: Collection[str], *, any_address: bool = False
) -> ASGIApp:
    """The viewer of a run.

    Args:
        picture: Of the run.
        hosts: The names, with ports, by which it may be called, in lower case.
        any_address: Whether any address will do: what is no name cannot be made to resolve to this machine.
    """
    # One at a time: they work on one picture.
    turn = anyio.Lock()
    epoch = secrets.token_hex(8)

    async def told(work: Callable[[], Any]) -> Response:
        async with turn:
            found = await anyio.to_thread.run_sync(lambda: _json(work()))
        return Response(found, media_type="application/json")

    async def page(request: Request) -> Response:
        served = served_page()
        policy = f"{served.policy}; frame-ancestors 'none'"
        return HTMLResponse(served.html, headers={"content-security-policy": policy})

    async def changes(request: Request) -> Response:
        since = _number(request.query_params.get("since", "0"))

        def work() -> Any:
            picture.look()
            return {**picture.data(since), "epoch": epoch}

        return await told(work)

    async def text(request: Request) -> Response:
        return await told(lambda: _found(picture.text(request.path_params["key"])))

    async def search(request: Request) -> Response:
        return await told(lambda: picture.search(request.query_params.get("q", "")))

    app = Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/picture", changes, methods=["GET"]),
            Route("/text/{key}", text, methods=["GET"]),
            Route("/search", search, methods=["GET"]),
        ],
        exception_handlers={
            HTTPException: _refused,
            JournalError: _textless,
            ForkjoinError: _unreadable,
        },
    )
    app.router.redirect_slashes = False
    return _Guard(app, hosts, any_address)


class _Guard:
    """Lets in who asks for something, by a name that is ours; puts the headers on all that goes out."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], any_address: bool) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                more = {**_HEADERS, "content-security-policy": "default-src 'none'"}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in more.items() if k.encode() not in own),
                ]
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("only GET is answered here", 405, {"allow": "GET, HEAD"})
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1 or not self._is_ours(named[0].decode("latin-1").lower()):
            return PlainTextResponse("this is not the name of this server", 421)
        return None

    def _is_ours(self, host: str) -> bool:
        return host in self._hosts or (self._any_address and _is_address(host))


def _is_address(host: str) -> bool:
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise HTTPException(400, "since has to be a number")
    return int(text)


def _found(text: Any) -> Any:
    if text is None:
        raise HTTPException(404, "there is no such text")
    return text


def _json(data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(str(error.detail), error.status_code)


async def _textless(request: Request, error: Exception) -> Response:
    return PlainTextResponse("the text cannot be shown: the run's journal cannot be read", 503)


async def _unreadable(request: Request, error: Exception) -> Response:
    # It tells of files of this machine, to whoever may see them on the command line.
    return PlainTextResponse("the run cannot be read: forkjoin status says more", 503)
