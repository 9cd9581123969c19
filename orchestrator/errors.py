"""What can go wrong while a plan runs, as leaves of `engines.errors`.

ForkjoinError
├── UsageError
│   └── ToolDefinitionError   a function cannot be a tool, or a tool cannot be loaded
├── RunError
│   ├── RunFailed             the run came to no answer
│   └── RunFolderError        the run folder cannot be written
└── ToolError                 a call of a tool failed: its node fails, the run goes on
    └── ToolUnavailable       a tool asks to be called again later (retryable)
"""

from __future__ import annotations

from typing import Any

from engines import ForkjoinError, RunError, UsageError


class ToolDefinitionError(UsageError):
    """A function cannot be a tool, or a tool cannot be loaded."""


class ToolError(ForkjoinError):
    """A call of a tool failed."""


class ToolUnavailable(ToolError):
    """A tool cannot answer now, but may later: raised by a tool, it is called again.

    Attributes:
        retry_after: Seconds after which to call again; None leaves it to the run.
    """

    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class RunFailed(RunError):
    """The run came to no answer."""


class RunFolderError(RunError):
    """The run folder cannot be written.

    Attributes:
        result: The `RunResult`, if only its files could not be written any more.
    """

    result: Any = None
