"""How long connections may do nothing: uvicorn, which holds them, limits only the time between two requests.

    no head yet           header_seconds
    answered, not read    send_seconds      closing, but what was written is still there
    the next one early    send_seconds      unread, it would hide that the client has gone

It takes the time as an argument, and cuts nothing itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

_State = Literal["busy", "idle", "head", "closing", "early"]


@dataclass(frozen=True, slots=True)
class _Seen:
    state: _State
    request: object
    since: float


class ConnectionTimes:
    """Remembers since when each connection is as it is.

    Args:
        header_seconds: How long a client may take for a request's head.
        send_seconds: How long it may read nothing.
    """

    def __init__(self, header_seconds: float, send_seconds: float) -> None:
        self._limits = {"head": header_seconds, "closing": send_seconds, "early": send_seconds}
        self._seen: dict[Any, _Seen] = {}

    def overdue(self, connections: Collection[Any], now: float) -> list[Any]:
        """Those of uvicorn's connections that have taken too long."""
        self._seen = {each: self._look(each, now) for each in connections}
        return [
            connection
            for connection, seen in self._seen.items()
            if now - seen.since >= self._limits.get(seen.state, float("inf"))
        ]

    def _look(self, connection: Any, now: float) -> _Seen:
        state, before = _state_of(connection), self._seen.get(connection)
        if before is not None and (before.state, before.request) == (state, connection.cycle):
            return before
        return _Seen(state, connection.cycle, now)


def _state_of(connection: Any) -> _State:
    request = connection.cycle
    if connection.transport.is_closing():
        return "closing"
    if request is None:
        return "head"
    if request.response_complete:
        # Uvicorn's own timer runs until the next request begins.
        return "head" if connection.timeout_keep_alive_task is None else "idle"
    return "early" if connection.flow.read_paused and not request.more_body else "busy"
