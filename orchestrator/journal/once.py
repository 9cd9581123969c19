"""Nothing has one name twice in a run: what a journal could not tell apart, it would answer with one result.

A branch that a join repeats may ask for everything again, and only that. Pure: it knows no file and no task.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from engines.attempt import current_attempt

K = TypeVar("K", bound=Hashable)


class RepeatedName(RuntimeError):
    """Two calls, or two decisions, of one run cannot be told apart: a mistake in a method."""

    def __init__(self, what: str, path: str) -> None:
        super().__init__(
            f"there are two {what} at {path!r} that are the same: give each fork a name of its own"
        )


class OncePerRun(Generic[K]):
    """What a run has asked for so far.

    Args:
        what: What is asked for, in the plural, as an error says it.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._attempts: dict[K, int] = {}
        self._running: set[K] = set()

    def begin(self, key: K, path: Callable[[], str]) -> bool:
        """Takes note of the beginning.

        Returns:
            Whether it ended well before, in another attempt at its branch.

        Raises:
            RepeatedName: It has begun already, or has ended well in this attempt.
        """
        before = self._attempts.get(key)
        if key in self._running or before == current_attempt():
            raise RepeatedName(self._what, path())
        self._running.add(key)
        return before is not None

    def end(self, key: K, *, well: bool) -> None:
        """Takes note of the end; what did not end well may be asked for again."""
        self._running.discard(key)
        if well:
            self._attempts[key] = current_attempt()
