"""How a connection speaks HTTP: uvicorn's way by httptools, which takes a tenth of h11's time, with what h11 has more.

Without httptools it is uvicorn's way by h11. Both refuse heads of more than 64 KiB; and where a client sends its next
request before it has the answer of the last, the connection is cut: nobody would notice that it has gone.
"""

from __future__ import annotations

from typing import Any

_LONGEST_HEAD = 64 * 1024


def http_protocol() -> Any:
    """The class of connections, as `uvicorn.Config(http=...)` takes it."""
    try:
        import httptools  # noqa: F401 -- not every installation of uvicorn has it
    except ImportError:
        return "h11"
    return _bounded()


def _bounded() -> type:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class BoundedProtocol(HttpToolsProtocol):
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
