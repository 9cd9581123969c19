"""What can go wrong in reasoning, as leaves of `engines.errors`.

ForkjoinError
├── UsageError
│   └── UnknownName     no method or reducer is called so
├── NoCandidates        every branch failed, so there is nothing to reduce
└── EqualityUnavailable math-verify does not start, so answers cannot be compared
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engines import ForkjoinError, UsageError

if TYPE_CHECKING:
    from .answer import Branch


class UnknownName(UsageError):
    """Nothing of this kind is called so."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no {kind} {name!r}: choose from {', '.join(sorted(known))}")


class NoCandidates(ForkjoinError):
    """Every branch failed, so there is nothing to reduce.

    Attributes:
        branches: What became of each, with what it cost.
    """

    def __init__(self, message: str, branches: Sequence[Branch] = ()) -> None:
        super().__init__(message)
        self.branches = tuple(branches)


class EqualityUnavailable(ForkjoinError):
    """math-verify does not start, so answers cannot be compared."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"math-verify does not start, so answers cannot be compared: {reason}: "
            f"run `uv pip install --reinstall 'math-verify[antlr4_13_2]'` (in a clone: `make clean install`)"
        )
