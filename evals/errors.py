"""What can go wrong in evaluations, as leaves of `engines.errors`.

ForkjoinError
├── UnreadableAnswer       a grader makes no sense of an answer
└── UsageError
    ├── DatasetUnavailable  a public dataset cannot be had
    └── ProblemFileError    a file that should hold problems does not
"""

from __future__ import annotations

from engines import ForkjoinError, UsageError


class DatasetUnavailable(UsageError):
    """A public dataset cannot be had."""


class ProblemFileError(UsageError):
    """A file that should hold problems does not."""


class UnreadableAnswer(ForkjoinError):
    """A grader makes no sense of an answer, so that it is not correct."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"cannot be read as an answer: {answer[:200]!r}")
