"""Which attempt at a branch the code at hand belongs to.

A join that repeats a branch runs the same code once more, which then asks for the same things under the same names. A
journal has to tell this from two branches that have one name by mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_attempt: ContextVar[int] = ContextVar("forkjoin_attempt", default=0)
_numbers = itertools.count(1)


def current_attempt() -> int:
    """The number of this attempt; 0 outside of what is repeated. No two attempts have the same one."""
    return _attempt.get()


@contextmanager
def new_attempt() -> Iterator[None]:
    """What runs inside, and the tasks started there, are a further attempt."""
    token = _attempt.set(next(_numbers))
    try:
        yield
    finally:
        _attempt.reset(token)
