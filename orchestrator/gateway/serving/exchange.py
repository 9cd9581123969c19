"""One request and its answer, as ASGI has them: the body with its limits, the answer with a time for each part of it.

    body ──> ... ──> answer                 whole
                └──> begin, write, write    as server-sent events

Who leaves, or reads nothing of what it is sent, is not waited for: the exchange's scope is cancelled, and with it all
that works for it. Nothing here knows what is asked or answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from ...openai_api.api_error import ApiError
from .server_settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# What is written at once, so that a client that does not read holds no more than this twice.
_PART = 64 * 1024
_JSON = b"application/json"
_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
# So often somebody looks in the time that something may take.
_TICKS = 3
_COMMENT = b": working\n\n"


class Exchange:
    """What one client asks and gets.

    Args:
        scope: ASGI's.
        receive: The same.
        send: The same.
        settings: How long what may take.
        take: Takes room for so many bytes of the body, and says whether there was any.

    Attributes:
        work: What is cancelled when nobody waits for the answer any more.
        begun: Whether something was sent.
        left: Whether the client has gone, or reads nothing.
        stopped: Whether the server is ending.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        settings: ServerSettings,
        take: Callable[[int], bool],
    ) -> None:
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.work = anyio.CancelScope()
        self.begun = False
        self.left = False
        self.stopped = False
        self._ended = False
        self._receive = receive
        self._send = send
        self._settings = settings
        self._take = take
        self._writing = anyio.Lock(fast_acquire=True)
        self._sending = False
        self._written = 0

    def stop(self) -> None:
        """Ends the work, since the server ends."""
        self.stopped = True
        self.work.cancel()

    async def body(self) -> bytes:
        """What the client sends.

        Raises:
            ApiError: It is no JSON by its type, too long, takes too long, or finds no room beside others.
        """
        kind = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != _JSON:
            raise ApiError(
                415, "the body has to be JSON: send the header content-type: application/json"
            )
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._settings.max_body:
            raise self._too_long()
        with anyio.move_on_after(self._settings.body_seconds):
            return await self._read()
        raise ApiError(
            408,
            f"the body did not come within {self._settings.body_seconds:g} seconds: send it faster",
        )

    async def _read(self) -> bytes:
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                await self._leave()
            part = message.get("body", b"")
            if len(body) + len(part) > self._settings.max_body:
                raise self._too_long()
            if not self._take(len(part)):
                raise _no_room()
            body += part
            if not message.get("more_body", False):
                return bytes(body)

    def _too_long(self) -> ApiError:
        most = self._settings.max_body
        return ApiError(413, f"the body is longer than the {most:,} bytes that are read: send less")

    async def watch(self, *, comments: bool) -> None:
        """Ends the work when the client has gone, or reads nothing; to be run beside the work.

        Args:
            comments: Whether a stream that says nothing gets comments.
        """
        settings = self._settings
        tick = min(settings.comment_seconds, settings.send_seconds) / _TICKS
        written, quiet = 0, 0.0
        while True:
            with anyio.move_on_after(tick):
                await self._wait_gone()
            quiet = quiet + tick if written == self._written else 0
            written = self._written
            if self._sending and quiet >= settings.send_seconds:
                await self._leave()
            if comments and not self._sending and quiet >= settings.comment_seconds:
                with anyio.move_on_after(settings.send_seconds):
                    await self.write(_COMMENT)

    async def _wait_gone(self) -> None:
        while (await self._receive())["type"] == "http.request":
            await anyio.lowlevel.checkpoint()
        if self._ended:
            # That is what uvicorn tells then, too.
            await anyio.sleep_forever()
        await self._leave()

    async def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Sends all of an answer, which is JSON."""
        self.begun = True
        more = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        head = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body)), *more]
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        for start in range(0, len(body), _PART):
            is_last = start + _PART >= len(body)
            await self._send_part(body[start : start + _PART], more=not is_last)

    async def write(self, data: bytes) -> None:
        """Sends a part of a stream, which the first one begins."""
        async with self._writing:
            if not self.begun:
                self.begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": _STREAM})
            await self._send_part(data, more=True)

    async def end(self) -> None:
        """Ends a stream."""
        await self._send_part(b"", more=False)

    async def _send_part(self, data: bytes, *, more: bool) -> None:
        # Who watches sees that it does not come back; a timer for each part would cost more than sending it.
        self._sending, self._ended = True, not more
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        self._sending = False
        self._written += 1

    async def _leave(self) -> None:
        """Ends the work; it is the work that calls this, and does not go on."""
        self.left = True
        self.work.cancel()
        await anyio.sleep_forever()


def _no_room() -> ApiError:
    return ApiError(
        429,
        "the bodies of other requests leave no room for this one: try again later",
        headers={"retry-after": "1"},
    )
