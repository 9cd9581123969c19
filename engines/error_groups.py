"""Task groups raise groups of errors; callers want the one that happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ForkjoinError


@contextmanager
def single_error() -> Iterator[None]:
    """Raises the only error of a group as itself, and of several forkjoin errors the first. Bugs stay grouped."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = _leaves(group)
        if len(leaves) == 1 or all(isinstance(leaf, ForkjoinError) for leaf in leaves):
            raise leaves[0] from leaves[0].__cause__
        raise


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
