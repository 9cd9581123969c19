"""Looks up host names for aiohttp in a thread of its own, and remembers what it found.

asyncio looks names up in the default executor. Where its threads are all taken, by sleeping tools or by whatever
waits for the answers that the names are needed for, nothing can connect any more. This thread is anyio's, under a
limit that nobody else uses. aiohttp's own memory is not used: it looks up in tasks that outlive who asked for them,
and cancels those who wait when it is closed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio
from aiohttp.abc import AbstractResolver, ResolveResult
from anyio import to_thread

_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


@dataclass(frozen=True, slots=True)
class _Found:
    addresses: list[ResolveResult]
    error: OSError | None
    until: float


class HostLookup(AbstractResolver):
    """Asks the system's resolver, once for all who want the same name.

    Args:
        seconds: How long addresses are remembered.
        failure_seconds: How long it is remembered that there are none.
        clock: The time in seconds.
    """

    def __init__(
        self,
        seconds: float = 60,
        failure_seconds: float = 1,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._seconds = seconds
        self._failure_seconds = failure_seconds
        self._clock = clock
        self._one_at_a_time = anyio.Lock()
        self._thread = anyio.CapacityLimiter(1)
        self._known: dict[tuple[str, int], _Found] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: It has none.
        """
        key = (host, port)
        async with self._one_at_a_time:
            found = self._known.get(key)
            if found is None or found.until <= self._clock():
                found = self._known[key] = await self._look_up(host, port, family)
        if found.error is not None:
            raise OSError(*found.error.args)
        return found.addresses

    async def close(self) -> None:
        """Nothing is left open."""

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> _Found:
        ask = partial(_addresses, host, port, family)
        try:
            addresses = await to_thread.run_sync(ask, abandon_on_cancel=True, limiter=self._thread)
        except OSError as error:
            return _Found([], error, self._clock() + self._failure_seconds)
        return _Found(addresses, None, self._clock() + self._seconds)


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    return [
        ResolveResult(
            hostname=host,
            # With its scope, where an address is valid on one link only.
            host=socket.getnameinfo(address, _NUMERIC)[0],
            port=port,
            family=found,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found, _, protocol, _, address in socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM
        )
    ]
