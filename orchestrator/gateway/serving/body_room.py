"""How much memory the bodies of all open requests may take together. It does not know what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BodyRoom:
    """Room for so many bytes, shared by whoever reads.

    Args:
        size: How many.

    >>> room = BodyRoom(10)
    >>> with room.share() as first, room.share() as second:
    ...     first(8), second(8), second(2)
    (True, False, True)
    """

    def __init__(self, size: int) -> None:
        self._free = size

    @contextmanager
    def share(self) -> Iterator[Callable[[int], bool]]:
        """Takes room for so many bytes more, if there is; all that it took is free again behind the block."""
        taken = 0

        def take(size: int) -> bool:
            nonlocal taken
            if size > self._free:
                return False
            self._free -= size
            taken += size
            return True

        try:
            yield take
        finally:
            self._free += taken
