"""How a connection speaks HTTP: uvicorn's way by httptools, which takes a tenth of h11's time, with what h11 has more.

Without httptools it is uvicorn's way by h11. Both refuse heads of more than 64 KiB, and tell in OpenAI's form of what
is no HTTP; and where a client sends its next request before it has the answer of the last, the connection is cut:
nobody would notice that it has gone.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...openai_api.api_error import ApiError

_LONGEST_HEAD = 64 * 1024
_BODY = msgspec.json.encode(ApiError(400, "this is no HTTP request that can be read").body())
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    % len(_BODY)
) + _BODY


def http_protocol() -> type:
    """The class of connections, as `uvicorn.Config(http=...)` takes it."""
    try:
        import httptools  # noqa: F401 -- not every installation of uvicorn has it
    except ImportError:
        return _by_h11()
    return _by_httptools()


class _Refusing:
    """What is the same in both."""

    transport: Any
    cycle: Any

    def send_400_response(self, msg: str) -> None:
        """Tells of what is no HTTP, unless that would get into an answer that has begun."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_REFUSAL)
            self.transport.close()
        else:
            self.transport.abort()


def _by_h11() -> type:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class RefusingProtocol(_Refusing, H11Protocol):
        """H11, which has limits."""

    return RefusingProtocol


def _by_httptools() -> type:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class BoundedProtocol(_Refusing, HttpToolsProtocol):
        """Httptools, with limits."""

        _in_head = False
        _head = 0

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._in_head:
                self._head += len(data)
                if self._head > _LONGEST_HEAD:
                    self.transport.abort()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head = True, 0

        def on_headers_complete(self) -> None:
            self._in_head = False
            if self.cycle is None or self.cycle.response_complete:
                super().on_headers_complete()
            else:
                self.transport.abort()

    return BoundedProtocol
