"""What can be wrong with a plan, as leaves of `engines.errors`. Every message says where.

ForkjoinError
├── UsageError
│   └── PlanFileError   a file that should hold a plan does not
└── PlanError           a plan cannot be run: the planner's failure (exit code 1)
    ├── PlanSyntaxError a planner's text is no plan
    └── InvalidPlan     a whole plan that was given cannot be run: a UsageError too (exit code 2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines import ForkjoinError, UsageError

if TYPE_CHECKING:
    from .plan import Node


class PlanFileError(UsageError):
    """A file that should hold a plan does not."""


class PlanError(ForkjoinError):
    """A plan cannot be run; the message begins with the place."""


class PlanSyntaxError(PlanError):
    """A planner's text is no plan.

    Attributes:
        line: Where it is none, from 1.
        problem: What is wrong there.
        nodes: What the piece of text that brought the error had completed before.
    """

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        self.nodes: tuple[Node, ...] = ()
        super().__init__(f"plan line {line}: {problem}")


class InvalidPlan(PlanError, UsageError):
    """A whole plan that was given cannot be run; whoever gave it can mend it."""
