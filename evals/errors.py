"""What can go wrong in evaluations, as leaves of `engines.errors`.

ForkjoinError
└── UsageError
    └── ProblemFileError   a file that should hold problems does not
"""

from __future__ import annotations

from engines import UsageError


class ProblemFileError(UsageError):
    """A file that should hold problems does not."""
