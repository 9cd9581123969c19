"""What can be wrong with a plan, as leaves of `engines.errors`. Every message says where.

ForkjoinError
├── UsageError
│   └── PlanFileError   a file that should hold a plan does not
└── PlanError           a plan cannot be run
    └── PlanSyntaxError a planner's text is no plan
"""

from __future__ import annotations

from engines import ForkjoinError, UsageError


class PlanFileError(UsageError):
    """A file that should hold a plan does not."""


class PlanError(ForkjoinError):
    """A plan cannot be run; the message begins with the place."""

    exit_code = 2


class PlanSyntaxError(PlanError):
    """A planner's text is no plan."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(f"plan line {line}: {problem}")
