"""Task groups raise groups of errors; callers want the one that happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio

from .errors import ForkjoinError

# One mistake in a function that runs in thousands of branches would tell thousands.
_MOST_TOLD = 3


@contextmanager
def single_error() -> Iterator[None]:
    """Raises one error instead of a group, so that `except ValueError` catches what a user's function raised.

    That is the only error of the group; of several forkjoin errors, and of several bugs of the same type, the first.
    A note tells the other bugs. Bugs of different types, and bugs among forkjoin errors, stay grouped. A cancellation
    that came beside an error, as Trio has it in the group, is left out: whoever cancelled knows.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = [leaf for leaf in _leaves(group) if not _is_cancellation(leaf)]
        if not leaves:
            raise
        first, *others = leaves
        if all(isinstance(leaf, ForkjoinError) for leaf in (first, *others)):
            raise first from first.__cause__
        if others:
            if not all(
                type(leaf) is type(first) and isinstance(leaf, Exception) for leaf in others
            ):
                raise
            first.add_note(_told(others))
        raise first from first.__cause__


def _told(others: Sequence[BaseException]) -> str:
    """How many others there were beside it, and what those that say something else say."""
    said = dict.fromkeys(map(str, others))
    told = "; ".join(list(said)[:_MOST_TOLD])
    return f"and {len(others)} more {type(others[0]).__name__} beside it: {told}"


def _is_cancellation(error: BaseException) -> bool:
    try:
        return isinstance(error, anyio.get_cancelled_exc_class())
    except anyio.NoEventLoopError:
        return False


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
