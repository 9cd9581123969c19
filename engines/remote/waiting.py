"""What waits for a server, so that closing a transport ends it at once, connecting included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from .transport import closed_here


class Waiting:
    """`with waiting.one():` is a block that `end` ends.

    Args:
        url: The server, for messages.

    Raises:
        EngineUnavailable: It was ended, before or in the block.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._scopes: set[anyio.CancelScope] = set()
        self._ended = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """A block that waits."""
        if self._ended:
            raise closed_here(self._url)
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.remove(scope)
        if scope.cancelled_caught:
            raise closed_here(self._url)

    def end(self) -> None:
        """Ends all that waits; nothing waits from now on."""
        self._ended = True
        for scope in self._scopes:
            scope.cancel()
